"""Code and templates in S3, as whoever installs a stack puts them there."""

import io
import pathlib
import re
import zipfile

from .surroundings import ROOT

HELPER_STACK = ROOT / "helper-stack" / "template.yaml"
IAM = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]


def zipped(folder):
    """A folder as a zip, with its files' modes."""
    folder = pathlib.Path(folder)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in sorted(it for it in folder.rglob("*") if it.is_file()):
            archive.write(path, path.relative_to(folder))
    return content.getvalue()


def zip_of(**files):
    """Files given by name and text; ``app__py`` is ``app.py``."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "."), text)
    return content.getvalue()


class Bucket:
    """A bucket of the cloud."""

    def __init__(self, cloud, name):
        self.s3 = cloud.client("s3")
        self.name = name
        self.s3.create_bucket(Bucket=name)

    def put(self, key, content):
        self.s3.put_object(Bucket=self.name, Key=key, Body=content)
        return f"s3://{self.name}/{key}"

    def url(self, key):
        return f"https://{self.name}.s3.us-east-1.amazonaws.com/{key}"

    def helper_stack(self, key="template.yaml", **renamed):
        """The helper stack's code and its template; the template's URL. What is ``renamed``
        lies under another key: it is other code."""

        def uploaded(found):
            property_name, folder = found.groups()
            built = HELPER_STACK.parent / folder
            name = renamed.get(built.name.replace("-", "_"), built.name)
            if built.is_dir():
                self.put(f"{name}.zip", zipped(built))
            return f"{property_name}: s3://{self.name}/{name}.zip"

        text = HELPER_STACK.read_text(encoding="utf-8")
        text = re.sub(r"(CodeUri|ContentUri): (build/[^/\s]+)/?", uploaded, text)
        self.put(key, text.encode())
        return self.url(key)


class Stack:
    """A stack of the cloud, by the name that is given or the id that it gets."""

    def __init__(self, cloud, name):
        self.cloud = cloud
        self.aws = cloud.client("cloudformation")
        self.name = name

    def describe(self):
        (described,) = self.aws.describe_stacks(StackName=self.name)["Stacks"]
        return described

    def status(self):
        return self.describe()["StackStatus"]

    def settles(self):
        """Its status when nothing goes on any more."""

        def look():
            status = self.status()
            return None if status.endswith("_IN_PROGRESS") else status

        return self.cloud.process.wait_until(look, f"end of the work on {self.name}")

    def change_set(self, kind, name="change", **asked):
        """A change set as it is when it is made."""
        made = self.aws.create_change_set(
            StackName=self.name, ChangeSetName=name, ChangeSetType=kind, **asked
        )
        self.name = made["StackId"]

        def look():
            described = self.aws.describe_change_set(ChangeSetName=made["Id"])
            return None if described["Status"].startswith("CREATE_P") else described

        return self.cloud.process.wait_until(look, f"change set {name}")

    def execute(self, kind, name="change", **asked):
        """Makes a change set and does it: the status in the end."""
        made = self.change_set(kind, name, **asked)
        assert made["Status"] == "CREATE_COMPLETE", made.get("StatusReason")
        self.aws.execute_change_set(ChangeSetName=made["ChangeSetId"])
        return self.settles()

    def delete(self):
        """Its id finds it when it is gone."""
        self.name = self.describe()["StackId"]
        self.aws.delete_stack(StackName=self.name)
        return self.settles()

    def events(self):
        """Logical id and status of each, the oldest first; reasons by the same."""
        pages = self.aws.get_paginator("describe_stack_events").paginate(StackName=self.name)
        events = [it for page in pages for it in page["StackEvents"]]
        return events[::-1]

    def statuses(self, logical_id):
        return [
            it["ResourceStatus"] for it in self.events() if it["LogicalResourceId"] == logical_id
        ]

    def resources(self):
        """Physical ids by logical id."""
        pages = self.aws.get_paginator("list_stack_resources").paginate(StackName=self.name)
        rows = [it for page in pages for it in page["StackResourceSummaries"]]
        return {it["LogicalResourceId"]: it["PhysicalResourceId"] for it in rows}

    def outputs(self):
        return {it["OutputKey"]: it["OutputValue"] for it in self.describe().get("Outputs", [])}
