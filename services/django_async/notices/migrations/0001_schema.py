"""The first tables. Constraints that Django cannot express are in SQL, at the end."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    operations = [
        migrations.CreateModel(
            name="Answer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.TextField()),
                ("fingerprint", models.BinaryField()),
                ("status", models.SmallIntegerField()),
                ("headers", models.TextField()),
                ("body", models.TextField()),
                ("created", models.DateTimeField()),
            ],
            options={
                "db_table": "answers",
                "indexes": [models.Index(fields=["created"], name="answer_age")],
                "constraints": [models.UniqueConstraint(fields=("key",), name="answer_key")],
            },
        ),
        migrations.CreateModel(
            name="Author",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.TextField()),
            ],
            options={
                "db_table": "authors",
                "constraints": [models.UniqueConstraint(fields=("name",), name="author_name")],
            },
        ),
        migrations.CreateModel(
            name="Board",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.TextField()),
                ("messages", models.BigIntegerField()),
                ("version", models.BigIntegerField()),
                ("created", models.DateTimeField()),
            ],
            options={
                "db_table": "boards",
                "constraints": [models.UniqueConstraint(fields=("name",), name="board_name")],
            },
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.TextField()),
                ("version", models.BigIntegerField()),
                ("created", models.DateTimeField()),
                (
                    "search",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.contrib.postgres.search.SearchVector("text", config="simple"),
                        output_field=django.contrib.postgres.search.SearchVectorField(),
                    ),
                ),
                (
                    "author",
                    models.ForeignKey(
                        db_constraint=False, db_index=False, on_delete=models.DO_NOTHING, related_name="+", to="notices.author"
                    ),
                ),
                (
                    "board",
                    models.ForeignKey(
                        db_constraint=False, db_index=False, on_delete=models.DO_NOTHING, related_name="+", to="notices.board"
                    ),
                ),
            ],
            options={
                "db_table": "messages",
                "indexes": [
                    models.Index(fields=["board", "id"], name="message_page"),
                    django.contrib.postgres.indexes.GinIndex(fields=["search"], name="message_search"),
                ],
            },
        ),
        migrations.RunSQL(
            "ALTER TABLE messages"
            " ADD CONSTRAINT message_board FOREIGN KEY (board_id) REFERENCES boards ON DELETE CASCADE,"
            " ADD CONSTRAINT message_author FOREIGN KEY (author_id) REFERENCES authors",
            migrations.RunSQL.noop,
        ),
    ]
