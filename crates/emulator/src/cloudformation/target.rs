//! A wish, resolved: what there is to be, by its names in AWS.

use super::around;
use super::expand::{self, Called};
use super::stack::Stack as Known;
use super::wish::Wish;
use crate::cloud::Cloud;
use crate::names::{Chosen, Names};
use tether_sam::{Context, PhysicalNames as _, Problems, Resource, Stack, Surroundings, Template};

/// Resolves a wish.
pub(super) fn resolve(
    cloud: &Cloud,
    stack: &Known,
    wish: &Wish,
    chosen: &Chosen,
) -> Result<Stack, Problems> {
    let template = Template::parse(&wish.file, &wish.text)?;
    let place = &cloud.place;
    let names = Names {
        cloud,
        stack_name: &stack.name,
        chosen,
    };
    let imports = around::imports(cloud, stack, wish);
    let context = Context {
        stack_name: &stack.name,
        stack_id: &stack.id,
        account_id: &place.account_id,
        region: &place.region,
        partition: &place.partition,
        url_suffix: &place.url_suffix,
        parameters: &wish.parameters,
        names: &names,
    };
    let around = Surroundings {
        files: &around::Reading { cloud, wish },
        imports: Some(&imports),
        stored: &wish.known.stored,
    };
    let mut resolved = template.resolve_in(&context, &around)?;
    expand::events(&mut resolved, &names)?;
    check(&resolved)?;
    Ok(resolved)
}

/// What is wrong with any of them is said before anything is made.
fn check(stack: &Stack) -> Result<(), Problems> {
    stack.tables()?;
    stack.layers()?;
    stack.functions()?;
    stack.websocket_apis()?;
    stack.apis()?;
    Ok(())
}

impl Called for Names<'_> {
    fn reference(&self, resource: &Resource) -> String {
        tether_sam::PhysicalNames::reference(self, resource)
    }

    fn arn(&self, resource: &Resource) -> String {
        let arn = self.attribute(resource, "Arn");
        let arn = arn.and_then(|it| it.as_str().map(str::to_owned));
        arn.unwrap_or_default()
    }

    fn api_arn(&self, id: &str) -> String {
        self.cloud.arn("execute-api", &format!("{id}/*"))
    }
}
