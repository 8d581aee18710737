"""The notice board in Django's admin site. A change here increments the version, so that the contract's ETags change too."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.postgres.search import SearchQuery
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from procrastinate.contrib.django.models import ProcrastinateJob

from notices.forms import BoardForm, MessageForm
from notices.models import Author, Board, Message
from twogates.demo.board.documents import now

admin.site.unregister(ProcrastinateJob)  # Procrastinate registers it, but Django's role may not read the queue (roles.py)


class Bounded(Paginator):
    """A paginator that stops at ``MOST`` rows: counting a large table, or skipping most of it, takes seconds."""

    MOST = 10_000

    @cached_property
    def count(self) -> int:
        return int(self.object_list.order_by()[: self.MOST].count())


class Listed(admin.ModelAdmin):
    """A list in the order of ids, which are indexed. Subclasses allow sorting only by columns with an index."""

    paginator = Bounded
    # Both would count the whole table: the first for "(of 12345)", the second beside each filter.
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    ordering = ["-id"]
    list_per_page = 50


class Versioned(Listed):
    """Rows with a version. A form is rejected if its page shows an older version than the stored one (forms.py)."""

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*self.form.Meta.fields, *(["seen", *self.readonly_fields] if obj else [])]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change and form.changed_data:
            obj.version += 1
            obj.save(update_fields=[*form.changed_data, "version"])


@admin.register(Board)
class BoardAdmin(Versioned):
    form = BoardForm
    readonly_fields = ["messages_link", "version", "created"]
    list_display = ["name", "messages_link", "version", "created"]
    list_filter = ["created"]
    search_fields = ["name"]
    sortable_by = ["name"]

    @admin.display(description="messages")
    def messages_link(self, board: Board) -> str:
        url = reverse("admin:notices_message_changelist")
        return str(format_html('<a href="{}?board__id__exact={}">{}</a>', url, board.pk, board.messages))

    def save_model(self, request: HttpRequest, obj: Board, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
        else:
            obj.messages, obj.version, obj.created = 0, 1, now()
            obj.save()

    def get_deleted_objects(self, objs: Iterable[Board], request: HttpRequest) -> Any:
        """List what the confirmation page shows. Add the messages, which the database deletes by cascade without Django."""
        listed, counts, *others = super().get_deleted_objects(objs, request)
        return listed, {**counts, "messages": sum(board.messages for board in objs)}, *others


@admin.register(Message)
class MessageAdmin(Versioned):
    form = MessageForm
    readonly_fields = ["board", "author", "version", "created"]
    list_display = ["id", "beginning", "author", "board", "version", "created"]
    list_select_related = ["board", "author"]
    list_filter = ["created"]
    search_fields = ["text"]
    search_help_text = "Whole words, as the search of the service"
    sortable_by = ["id"]

    @admin.display(description="text")
    def beginning(self, message: Message) -> str:
        return message.text if len(message.text) <= 80 else f"{message.text[:80]}…"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False: a message needs an author's name, which only the service has."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).defer("search")  # longer than the text itself, and never shown

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        return (queryset.filter(search=SearchQuery(search_term, config="simple")) if search_term else queryset), False

    def delete_model(self, request: HttpRequest, obj: Message) -> None:
        delete_messages([(obj.board_id, obj.pk)])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet) -> None:
        delete_messages(queryset.order_by().values_list("board_id", "id"))


@transaction.atomic
def delete_messages(numbers: Iterable[tuple[int, int]]) -> None:
    """Delete messages, given as pairs of board and id, and reduce the boards' counts.

    Lock each board before its messages, as in board.py, and the boards in order of id, to prevent deadlocks.
    """
    by_board: dict[int, list[int]] = {}
    for board, message in numbers:
        by_board.setdefault(board, []).append(message)
    for board, messages in sorted(by_board.items()):
        Board.objects.select_for_update().filter(id=board).values_list("id").first()
        gone, _ = Message.objects.filter(board=board, id__in=messages).delete()
        Board.objects.filter(id=board).update(messages=F("messages") - gone)


@admin.register(Author)
class AuthorAdmin(Listed):
    """Read-only: an author's name is part of all their messages, whose versions would not change with the name."""

    list_display = ["name"]
    search_fields = ["name"]
    sortable_by = ["name"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Author | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Author | None = None) -> bool:
        return False
