"""A SAM project in a folder: deployed from one folder, worked on in another."""

import json
import shutil

from .surroundings import EXAMPLE


class Project:
    """A template and its functions' code."""

    def __init__(self, folder):
        self.folder = folder
        self.template = folder / "template.yaml"
        # What tether remembers on the laptop where this project is.
        self.laptop = folder / ".laptop"

    @classmethod
    def hello(cls, folder):
        """A copy of the example."""
        return cls.copy(EXAMPLE, folder)

    @classmethod
    def copy(cls, project, folder):
        """A copy of a project's folder."""
        shutil.copytree(project, folder)
        return cls(folder)

    @classmethod
    def of(cls, folder, functions, timeout=3, policies=None, **variables):
        """One function for each logical id, from its source text; what they may do besides."""
        project = cls(folder)
        resources = {}
        for name, source in functions.items():
            project.write(f"{name}/app.py", source)
            rights = {"Policies": policies} if policies else {}
            resources[name] = {
                "Type": "AWS::Serverless::Function",
                "Properties": {
                    "CodeUri": f"{name}/",
                    "Handler": "app.handler",
                    "Runtime": "python3.13",
                    "Timeout": timeout,
                    "Environment": {"Variables": variables},
                    **rights,
                },
            }
        template = {"Transform": "AWS::Serverless-2016-10-31", "Resources": resources}
        # JSON is YAML.
        project.write("template.yaml", json.dumps(template, indent=2))
        return project

    def path(self, name):
        return self.folder / name

    def write(self, name, text):
        """Saves a file as editors do: whole, by a rename."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(path.name + ".saving")
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
        return path

    def edit(self, name, old, new):
        """Replaces the only place where ``old`` stands."""
        text = (self.folder / name).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        return self.write(name, text.replace(old, new))
