//! The code on this machine: template → logical id → folder and handler.

use crate::error::ProjectError;
use crate::inline;
use crate::layers::Layers;
use crate::settings::{self, Settings};
use crate::template_file::TemplateFile;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tether_aws::Partition;
use tether_host::Source;
use tether_runtime_api::runtimes::{self, Date};
use tether_sam::{
    Code, Context, Function, LogicalNames, Problems, Resource, Stack, Surroundings, Template,
};

/// The functions of a template, in its order: local code, or why there is none.
#[derive(Clone, Debug)]
pub struct WorkingCopies {
    /// The template.
    pub template: PathBuf,
    /// Logical id and what was found.
    pub functions: Vec<(String, Result<LocalCode, String>)>,
    /// What of the template is left out, one line each.
    pub notes: Vec<String>,
}

/// A function's code on this machine.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalCode {
    /// How it is started: its folder, handler and runtime among it.
    pub source: Source,
    /// `FunctionName`, if the template gives one.
    pub function_name: Option<String>,
    /// `AWS_LAMBDA_LOG_FORMAT` and `AWS_LAMBDA_LOG_LEVEL`, as the template's
    /// `LoggingConfig` sets them.
    pub logging: BTreeMap<String, String>,
    /// The template's variables, for local runs.
    pub environment: BTreeMap<String, String>,
    /// The template's timeout, in seconds.
    pub timeout: u32,
    /// The template's memory, in MB.
    pub memory_mb: u32,
    /// What people should know before it runs: of its runtime, its layers.
    pub notes: Vec<String>,
}

impl WorkingCopies {
    /// A function by its logical id, with its place in the template.
    #[must_use]
    pub fn find(&self, logical_id: &str) -> Option<(usize, &Result<LocalCode, String>)> {
        let place = self.functions.iter().position(|(id, _)| id == logical_id)?;
        self.functions.get(place).map(|(_, found)| (place, found))
    }

    /// Lets what was typed as `--command` win over `tether.toml`:
    /// `LOGICAL_ID=COMMAND`, or a command for the `only` function that is meant.
    ///
    /// # Errors
    /// When one is nobody's.
    pub fn let_commands_win(
        &mut self,
        typed: &[String],
        only: Option<&str>,
    ) -> Result<(), ProjectError> {
        for typed in typed {
            let meant = settings::typed_command(typed, &self.names(), only);
            let (id, command) = meant.map_err(ProjectError::Command)?;
            for (name, code) in &mut self.functions {
                if let Ok(code) = code
                    && *name == id
                {
                    code.source.command = Some(command.words());
                }
            }
        }
        Ok(())
    }

    fn names(&self) -> Vec<&str> {
        self.functions.iter().map(|(id, _)| id.as_str()).collect()
    }

    fn settle(&mut self, settings: &Settings) {
        for (id, code) in &mut self.functions {
            if let Ok(code) = code {
                settings.of(id).apply(&mut code.source);
            }
        }
    }
}

/// Where a template is taken to be deployed, as far as that is known.
#[derive(Clone, Debug)]
pub struct Place {
    /// Twelve digits.
    pub account_id: String,
    /// `eu-west-1`
    pub region: String,
}

impl Place {
    /// In some account of a region; without one, where most examples are.
    #[must_use]
    pub fn in_region(region: Option<&str>) -> Self {
        Self {
            account_id: "000000000000".to_owned(),
            region: region.unwrap_or("us-east-1").to_owned(),
        }
    }

    /// `arn:aws:lambda:eu-west-1:123456789012:function:hello`
    #[must_use]
    pub fn arn(&self, service: &str, resource: &str) -> String {
        let partition = Partition::of_region(&self.region).name;
        let (region, account) = (&self.region, &self.account_id);
        format!("arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

/// What may be wished for when a template is read. It does not print: values may be secrets.
#[derive(Clone, Default)]
pub struct Wishes {
    /// Values for its parameters.
    pub parameters: BTreeMap<String, String>,
    /// The folder that code which stands in the template is written into; none:
    /// such functions have no local code.
    pub inline_into: Option<PathBuf>,
    /// The stack that is meant, where the template is CDK's `cdk.out`.
    pub stack: Option<String>,
    /// What other stacks export; none: each import is its own name.
    pub imports: Option<BTreeMap<String, String>>,
    /// Values of the parameter store and of Secrets Manager, by name.
    pub stored: BTreeMap<String, String>,
}

/// Reads a template and looks for its functions' code.
///
/// # Errors
/// When the template cannot be read or does not resolve.
pub fn load(path: &Path, place: &Place) -> Result<WorkingCopies, ProjectError> {
    load_as(path, place, &Wishes::default())
}

/// The same, as it is wished for.
///
/// # Errors
/// See [`load`].
pub fn load_as(path: &Path, place: &Place, wishes: &Wishes) -> Result<WorkingCopies, ProjectError> {
    let file = TemplateFile::open(path, wishes.stack.as_deref())?;
    let stack = resolved(&file, place, wishes)?;
    let root = file.folder;
    let layers = Layers::of(&stack, &root)?;
    let (mut functions, mut problems) = (Vec::new(), Vec::new());
    for resource in stack.resources.values().filter(|it| is_function(it)) {
        match Function::from_resource(resource, &stack.file) {
            Ok(function) => {
                let wanted = function.layers.clone();
                let inline_into = wishes.inline_into.as_deref();
                let mut found = local_code(function, &resource.metadata, &root, inline_into);
                if let Ok(code) = &mut found {
                    code.logging = logging(&resource.properties);
                    layers.give(code, &wanted);
                }
                functions.push((resource.logical_id.clone(), found));
            }
            Err(Problems(more)) => problems.extend(more),
        }
    }
    if !problems.is_empty() {
        return Err(Problems(problems).into());
    }
    let mut copies = WorkingCopies {
        template: path.to_path_buf(),
        functions,
        notes: stack.unsupported.iter().map(ToString::to_string).collect(),
    };
    copies.settle(&Settings::beside(path, &copies.names())?);
    Ok(copies)
}

fn resolved(file: &TemplateFile, place: &Place, wishes: &Wishes) -> Result<Stack, Problems> {
    let template = Template::parse(&file.path.display().to_string(), &file.text)?;
    let mut parameters = stand_ins(&template);
    parameters.extend(wishes.parameters.clone());
    let partition = Partition::of_region(&place.region);
    let context = Context {
        stack_name: "local",
        stack_id: &place.arn("cloudformation", "stack/local/local"),
        account_id: &place.account_id,
        region: &place.region,
        partition: partition.name,
        url_suffix: partition.url_suffix,
        parameters: &parameters,
        names: &LogicalNames,
    };
    let around = Surroundings {
        files: file,
        imports: wishes.imports.as_ref(),
        stored: &wishes.stored,
    };
    template.resolve_in(&context, &around)
}

/// A deployed stack has values for all its parameters; here only names and
/// folders matter, so what has no default gets some value.
fn stand_ins(template: &Template) -> BTreeMap<String, String> {
    template
        .parameters()
        .into_iter()
        .filter(|it| it.default.is_none())
        .map(|it| {
            let value = it.allowed_values.first().cloned();
            let value = value.unwrap_or_else(|| match it.kind.as_str() {
                "Number" | "List<Number>" => "1".to_owned(),
                _ => it.name.clone(),
            });
            (it.name, value)
        })
        .collect()
}

fn is_function(resource: &Resource) -> bool {
    matches!(
        resource.kind.as_str(),
        "AWS::Serverless::Function" | "AWS::Lambda::Function"
    )
}

/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>
fn logging(properties: &Value) -> BTreeMap<String, String> {
    let member = |name: &str| {
        let member = properties.get("LoggingConfig")?.get(name)?;
        member.as_str().map(str::to_owned)
    };
    [
        ("AWS_LAMBDA_LOG_FORMAT", member("LogFormat")),
        ("AWS_LAMBDA_LOG_LEVEL", member("ApplicationLogLevel")),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .collect()
}

fn local_code(
    function: Function,
    metadata: &Value,
    root: &Path,
    inline_into: Option<&Path>,
) -> Result<LocalCode, String> {
    if function.package_image {
        return Err("it is a container image".to_owned());
    }
    let folder = match &function.code {
        Code::Path(path) => root.join(path),
        Code::Inline(code) => {
            let into = inline_into.ok_or("its code stands in the template")?;
            let runtime = function.runtime.as_deref().unwrap_or_default();
            inline::write(into, &function.logical_id, runtime, code)?
        }
        Code::Remote(url) => return Err(format!("its code is {url}")),
        Code::Missing => return Err("the template names no code for it".to_owned()),
    };
    if !folder.is_dir() {
        return Err(format!("{} does not exist", folder.display()));
    }
    let runtime = function.runtime.unwrap_or_default();
    let today = Date::of_milliseconds(tether_host::now().0);
    Ok(LocalCode {
        notes: runtimes::note(&runtime, today).into_iter().collect(),
        source: Source {
            name: function.logical_id,
            code: folder.canonicalize().unwrap_or(folder),
            handler: function.handler.unwrap_or_default(),
            runtime,
            architecture: function.architecture.name().to_owned(),
            metadata: metadata.clone(),
            ..Source::default()
        },
        function_name: function.name,
        logging: BTreeMap::new(),
        environment: function.environment,
        timeout: function.timeout_seconds,
        memory_mb: function.memory_mb,
    })
}
