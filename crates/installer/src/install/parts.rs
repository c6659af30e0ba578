//! What somebody has deleted from a stack, without the stack: CloudFormation
//! does not look.

use super::Installer;
use crate::error::Error;
use crate::found::Found;

/// The outputs that name what nothing works without.
const MANAGER: &str = "ManagerFunction";
const TABLES: [&str; 3] = ["SessionsTable", "DebuggerTable", "FunctionsTable"];

impl Installer {
    /// What cannot be looked at counts as there: it is not known to be missing.
    pub(super) async fn check_parts(&self, found: &Found) -> Result<(), Error> {
        let mut missing = Vec::new();
        if let Some(manager) = found.outputs.get(MANAGER)
            && !self.has_function(manager).await
        {
            missing.push(MANAGER);
        }
        for output in TABLES {
            if let Some(table) = found.outputs.get(output)
                && !self.has_table(table).await
            {
                missing.push(output);
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        Err(Error::PartsMissing {
            stack: self.stack.clone(),
            parts: missing.join(", "),
        })
    }

    async fn has_function(&self, name: &str) -> bool {
        let lambda = aws_sdk_lambda::Client::new(self.account.caller());
        let read = lambda.get_function_configuration().function_name(name);
        match read.send().await {
            Ok(_) => true,
            Err(error) => tether_aws::classify(&error).status != Some(404),
        }
    }

    async fn has_table(&self, name: &str) -> bool {
        let tables = aws_sdk_dynamodb::Client::new(self.account.caller());
        match tables.describe_table().table_name(name).send().await {
            Ok(_) => true,
            Err(error) => tether_aws::classify(&error).code != "ResourceNotFoundException",
        }
    }
}
