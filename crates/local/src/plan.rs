//! What `tether local` is asked for.

use crate::error::Error;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use tether_emulator::{Known, Place, Rules, StackSource};
use tether_project::{
    Debugging, EnvVars, External, ProjectError, TemplateFile, import_values, settings,
};

/// What to serve, and how.
pub struct Plan {
    /// The template.
    pub template: PathBuf,
    /// What its stack is called; names of its resources begin with it. In CDK's
    /// `cdk.out`, which one is meant.
    pub stack_name: Option<String>,
    /// Where it is taken to be deployed.
    pub place: Place,
    /// Values for its parameters.
    pub parameters: BTreeMap<String, String>,
    /// What other stacks export: a file of names and values.
    pub imports: Option<PathBuf>,
    /// Values for functions' variables, as `sam` takes them.
    pub env_vars: Option<PathBuf>,
    /// Where the rules of WebSocket messages are, instead of in the `tether.toml`
    /// beside the template.
    pub websocket_rules: Option<PathBuf>,
    /// The first API's port, the next one's is one higher; 0 takes free ones.
    pub first_port: u16,
    /// The port for SDKs; 0 takes a free one.
    pub endpoint_port: u16,
    /// `LOGICAL_ID=COMMAND`: what starts a function, above what `tether.toml`
    /// says.
    pub commands: Vec<String>,
    /// Functions whose processes the developer starts.
    pub external: External,
    /// Under a debugger.
    pub debugging: Option<Debugging>,
    /// So many processes a function at most.
    pub concurrency: Option<NonZeroUsize>,
    /// Whether what does not work here is an error.
    pub strict: bool,
    /// What functions are told besides: `AWS_PROFILE`, for example.
    pub variables: BTreeMap<String, String>,
}

impl Plan {
    /// What the stack is called.
    pub(crate) fn name(&self) -> &str {
        self.stack_name.as_deref().unwrap_or("local")
    }

    /// The template as it is now, with what is known besides.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(crate) fn source(&self) -> Result<(StackSource, Arc<TemplateFile>), Error> {
        let file = TemplateFile::open(&self.template, self.stack_name.as_deref())?;
        let file = Arc::new(file);
        let source = StackSource {
            name: self.name().to_owned(),
            template: file.path.clone(),
            parameters: self.parameters.clone(),
            known: Known {
                imports: self.imports()?.unwrap_or_default(),
                stored: self.env_vars()?.map(|it| it.stored()).unwrap_or_default(),
                files: Some(Arc::clone(&file) as _),
            },
        };
        Ok((source, file))
    }

    pub(crate) fn imports(&self) -> Result<Option<BTreeMap<String, String>>, Error> {
        Ok(self.imports.as_deref().map(import_values).transpose()?)
    }

    /// The rules of WebSocket messages as they are written now.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub(crate) fn rules(&self) -> Result<Rules, Error> {
        let beside = || self.template.with_file_name(settings::FILE);
        let file = self.websocket_rules.clone();
        // One that is named has to be there.
        let file = file.or_else(|| Some(beside()).filter(|it| it.is_file()));
        let rules = file.as_deref().map(settings::websocket_rules).transpose();
        Ok(rules.map_err(ProjectError::from)?.unwrap_or_default())
    }

    pub(crate) fn env_vars(&self) -> Result<Option<EnvVars>, Error> {
        Ok(self.env_vars.as_deref().map(EnvVars::read).transpose()?)
    }
}
