//! SAM templates.

use std::collections::BTreeMap;
use tether_sam::{Context, LogicalNames, Template};

pub(crate) fn template(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let template = match Template::parse("template.yaml", text) {
        Ok(template) => template,
        Err(problems) => return assert!(!problems.0.is_empty()),
    };
    let _ = template.parameters();
    let parameters = BTreeMap::new();
    let context = Context {
        stack_name: "app",
        stack_id: "arn:aws:cloudformation:eu-west-1:123456789012:stack/app/1",
        account_id: "123456789012",
        region: "eu-west-1",
        partition: "aws",
        url_suffix: "amazonaws.com",
        parameters: &parameters,
        names: &LogicalNames,
    };
    match template.resolve(&context) {
        Ok(stack) => {
            let _ = (stack.functions(), stack.layers(), stack.tables());
            let _ = stack.websocket_apis();
        }
        Err(problems) => assert!(!problems.0.is_empty()),
    }
}
