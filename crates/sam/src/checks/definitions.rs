//! Of `DefinitionBody`: what SAM has to write into must have the shape of an OpenAPI document.

use super::{At, Checker};

impl Checker<'_> {
    pub(super) fn swagger(&mut self, root: &At<'_>) {
        let Some(body) = root.member("DefinitionBody").filter(|it| !it.is_function()) else {
            return;
        };
        self.map(&body, "securityDefinitions");
        // What is merged with SAM's own is taken as it is.
        let merges = root.member("MergeDefinitions").is_some();
        for (path, at) in body.member("paths").iter().flat_map(At::members) {
            if path.starts_with("Fn::") || path.starts_with("x-") {
                continue;
            }
            self.path(&at, merges);
        }
    }

    fn path(&mut self, at: &At<'_>, merges: bool) {
        if !at.is_map() {
            let what = at.node.what();
            let message = format!("a path must be a map of methods, but it is {what}.");
            return self.wrong(at, message);
        }
        for (method, operation) in at.members() {
            if method == "options" {
                self.preflight(&operation);
            }
            let Some(security) = operation.member("security") else {
                continue;
            };
            if security.is_function() || merges {
                continue;
            }
            if !security.is_list() {
                let what = security.node.what();
                self.wrong(&security, format!("it must be a list, but it is {what}."));
            }
            for item in security.items().iter().filter(|it| !it.is_map()) {
                let what = item.node.what();
                self.wrong(item, format!("it must be a map, but it is {what}."));
            }
        }
    }

    fn preflight(&mut self, operation: &At<'_>) {
        for (_, response) in operation.member("responses").iter().flat_map(At::members) {
            if response.is_map() {
                self.map(&response, "headers");
            }
        }
    }
}
