"""The names that each message mentions."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notices", "0001_schema")]

    operations = [
        migrations.CreateModel(
            name="Mention",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.TextField()),
                ("created", models.DateTimeField()),
                (
                    "message",
                    models.ForeignKey(
                        db_constraint=False, db_index=False, on_delete=models.DO_NOTHING, related_name="+", to="notices.message"
                    ),
                ),
            ],
            options={
                "db_table": "mentions",
                "indexes": [models.Index(fields=["name", "id"], name="mention_page")],
                "constraints": [models.UniqueConstraint(fields=("message", "name"), name="mention_once")],
            },
        ),
        migrations.RunSQL(
            "ALTER TABLE mentions ADD CONSTRAINT mention_message FOREIGN KEY (message_id) REFERENCES messages ON DELETE CASCADE",
            migrations.RunSQL.noop,
        ),
    ]
