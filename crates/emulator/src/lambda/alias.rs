//! Aliases: names for versions
//! (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-aliases.html>).

use super::configuration::{LATEST, check_revision, text};
use super::error::LambdaError;
use super::function::Function;
use crate::id;
use serde_json::{Value, json};

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Alias {
    pub(crate) name: String,
    version: String,
    description: String,
    /// Another version, and how much of the invocations it gets.
    additional: Option<(String, f64)>,
    revision_id: String,
}

impl Alias {
    /// The version of one invocation.
    pub(crate) fn choose(&self) -> &str {
        match &self.additional {
            Some((version, weight)) if fraction() < *weight => version,
            _ => &self.version,
        }
    }

    /// Whether it leads to this version.
    pub(crate) fn uses(&self, version: &str) -> bool {
        let additional = self.additional.as_ref().map(|(it, _)| it.as_str());
        self.version == version || additional == Some(version)
    }

    fn to_json(&self, function: &Function) -> Value {
        let mut answer = json!({
            "AliasArn": function.qualified(&self.name),
            "Name": self.name,
            "FunctionVersion": self.version,
            "Description": self.description,
            "RevisionId": self.revision_id,
        });
        if let Some((version, weight)) = &self.additional {
            answer["RoutingConfig"] = json!({ "AdditionalVersionWeights": { version: weight } });
        }
        answer
    }

    /// Takes over what a request says. `exists` knows the function's versions.
    fn set(
        &mut self,
        function: &Function,
        exists: impl Fn(&str) -> bool,
        request: &Value,
    ) -> Result<(), LambdaError> {
        let given = |member: &str| request.get(member).filter(|it| !it.is_null());
        if let Some(version) = given("FunctionVersion") {
            let version = text(version, "FunctionVersion")?;
            if !exists(&version) {
                return Err(function.not_found(&version));
            }
            self.version = version;
        }
        if let Some(description) = given("Description") {
            self.description = text(description, "Description")?;
        }
        if let Some(routing) = given("RoutingConfig") {
            self.additional = additional(routing)?;
        }
        let Some((other, _)) = &self.additional else {
            return Ok(());
        };
        if self.version == LATEST || other == LATEST {
            let message = "$LATEST is not supported for an alias pointing to more than 1 version";
            return Err(LambdaError::InvalidParameter(message.to_owned()));
        }
        if *other == self.version {
            return Err(LambdaError::InvalidParameter(format!(
                "Invalid function version {other}. Function version {other} is already included \
                 in routing configuration."
            )));
        }
        if !exists(other) {
            return Err(function.not_found(other));
        }
        Ok(())
    }
}

/// From 0 to 1.
fn fraction() -> f64 {
    f64::from(u32::from_be_bytes(id::random())) / f64::from(u32::MAX)
}

fn additional(routing: &Value) -> Result<Option<(String, f64)>, LambdaError> {
    let weights = routing.get("AdditionalVersionWeights");
    let weights = weights.and_then(Value::as_object);
    let mut weights = weights.into_iter().flatten();
    let first = weights.next();
    if weights.next().is_some() {
        let message = "Number of items in AdditionalVersionWeights cannot be greater than 1";
        return Err(LambdaError::InvalidParameter(message.to_owned()));
    }
    let Some((version, weight)) = first else {
        return Ok(None);
    };
    match weight.as_f64() {
        Some(weight) if (0.0..=1.0).contains(&weight) => Ok(Some((version.clone(), weight))),
        _ => Err(LambdaError::constraint(
            &format!("{{{version}={weight}}}"),
            "routingConfig.additionalVersionWeights",
            "Map value must satisfy constraint: [Member must have value less than or equal to \
             1.0, Member must have value greater than or equal to 0.0]",
        )),
    }
}

impl Function {
    /// `CreateAlias`
    pub(crate) fn create_alias(&self, request: &Value) -> Result<Value, LambdaError> {
        let name = text(request.get("Name").unwrap_or(&Value::Null), "Name")?;
        if request.get("FunctionVersion").is_none_or(Value::is_null) {
            return Err(LambdaError::Validation(
                "Value null at 'functionVersion' failed to satisfy constraint: Member must not \
                 be null"
                    .to_owned(),
            ));
        }
        if !is_alias_name(&name) {
            let pattern = r"(?!^[0-9]+$)([a-zA-Z0-9-_]+)";
            let constraint = format!("Member must satisfy regular expression pattern: {pattern}");
            return Err(LambdaError::constraint(&name, "name", &constraint));
        }
        let mut alias = Alias {
            name: name.clone(),
            version: String::new(),
            description: String::new(),
            additional: None,
            revision_id: id::uuid(),
        };
        let mut state = self.state();
        alias.set(self, |it| state.has_version(it), request)?;
        if state.aliases.contains_key(&name) {
            return Err(LambdaError::Conflict(format!(
                "Alias already exists: {}",
                self.qualified(&name)
            )));
        }
        let answer = alias.to_json(self);
        state.aliases.insert(name, alias);
        Ok(answer)
    }

    /// `GetAlias`
    pub(crate) fn alias(&self, name: &str) -> Result<Value, LambdaError> {
        let found = self.state().aliases.get(name).cloned();
        let alias = found.ok_or_else(|| self.no_alias(name, "Cannot find alias arn"))?;
        Ok(alias.to_json(self))
    }

    /// `ListAliases`, of one version or of all.
    pub(crate) fn aliases(&self, version: Option<&str>) -> Vec<(String, Value)> {
        let state = self.state();
        let aliases = state.aliases.values();
        aliases
            .filter(|it| version.is_none_or(|version| it.version == version))
            .map(|it| (it.name.clone(), it.to_json(self)))
            .collect()
    }

    /// `UpdateAlias`
    pub(crate) fn update_alias(&self, name: &str, request: &Value) -> Result<Value, LambdaError> {
        let mut state = self.state();
        let found = state.aliases.get(name).cloned();
        let mut alias = found.ok_or_else(|| self.no_alias(name, "Alias not found"))?;
        check_revision(request, &alias.revision_id)?;
        alias.set(self, |it| state.has_version(it), request)?;
        alias.revision_id = id::uuid();
        let answer = alias.to_json(self);
        state.aliases.insert(name.to_owned(), alias);
        Ok(answer)
    }

    /// `DeleteAlias`; one that does not exist is no error.
    pub(crate) fn delete_alias(&self, name: &str) {
        self.state().aliases.remove(name);
    }

    fn no_alias(&self, name: &str, words: &str) -> LambdaError {
        LambdaError::NotFound(format!("{words}: {}", self.qualified(name)))
    }
}

/// Not only digits: that would be a version.
fn is_alias_name(name: &str) -> bool {
    let letter = |it: u8| it.is_ascii_alphanumeric() || it == b'-' || it == b'_';
    !name.is_empty()
        && name.len() <= 128
        && name.bytes().all(letter)
        && !name.bytes().all(|it| it.is_ascii_digit())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use crate::lambda::function::example;
    use std::sync::Barrier;

    #[test]
    fn of_those_who_change_the_same_revision_at_once_one_succeeds() {
        let function = example();
        let created = json!({ "Name": "live", "FunctionVersion": LATEST });
        let mut alias = function.create_alias(&created).unwrap();
        for _ in 0..200 {
            let together = Barrier::new(4);
            let change = json!({ "Description": "mine", "RevisionId": alias["RevisionId"] });
            let update = || {
                together.wait();
                function.update_alias("live", &change).is_ok()
            };
            let succeeded = std::thread::scope(|scope| {
                let all = [(); 4].map(|()| scope.spawn(update));
                all.map(|it| it.join().unwrap())
            });
            assert_eq!(succeeded.iter().filter(|it| **it).count(), 1);
            alias = function.alias("live").unwrap();
        }
    }
}
