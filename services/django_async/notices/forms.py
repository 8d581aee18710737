"""The forms of the admin site. They accept what the contract accepts, and only from a page that shows the newest version."""

from collections.abc import Callable
from typing import Any

import pydantic
from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget
from django.core.exceptions import ValidationError

from notices.models import Board, Message
from twogates.demo.board.models import Name, Words


def accepted(kind: Any) -> Callable[[str], None]:
    """Return a form validator that applies one of the contract's types."""
    adapter = pydantic.TypeAdapter(kind)

    def validate(text: str) -> None:
        try:
            adapter.validate_python(text)
        except pydantic.ValidationError as error:
            raise ValidationError([found["msg"] for found in error.errors()]) from None

    return validate


class Text(forms.CharField):
    """Text as it is stored: with surrounding spaces, and with LF line ends, which a browser sends as CRLF."""

    def __init__(self, **options: Any) -> None:
        super().__init__(strip=False, **options)

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value)).replace("\r\n", "\n")


class VersionedForm(forms.ModelForm):
    """A form that changes a row only if the row has not changed since the page was rendered."""

    seen = forms.IntegerField(widget=forms.HiddenInput)  # the version that the page shows

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if self.instance.pk is None:
            del self.fields["seen"]
        else:
            self.fields["seen"].initial = self.instance.version

    def clean(self) -> None:
        """Check the version and lock the row in the view's transaction, so that the row cannot change before it is saved."""
        super().clean()
        if self.instance.pk is not None:
            same = {"pk": self.instance.pk, "version": self.cleaned_data.get("seen", 0)}
            if not self._meta.model.objects.select_for_update().filter(**same).values_list("pk"):
                raise ValidationError("It has changed since this page was made. Load the page again.")


class BoardForm(VersionedForm):
    name = Text(widget=AdminTextInputWidget, validators=[accepted(Name)])

    class Meta:
        model = Board
        fields = ["name"]


class MessageForm(VersionedForm):
    text = Text(widget=AdminTextareaWidget, validators=[accepted(Words)])

    class Meta:
        model = Message
        fields = ["text"]
