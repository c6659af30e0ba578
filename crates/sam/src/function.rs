//! Functions: `AWS::Serverless::Function` and `AWS::Lambda::Function`.
//!
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html>
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html>

use crate::problem::{Position, Problems};
use crate::reader::{self, Reader};
use crate::resources::SAM_FUNCTION;
use crate::stack::{Resource, Stack};
use crate::tree::stringified;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

const LAMBDA_FUNCTION: &str = "AWS::Lambda::Function";

/// Lambda's own defaults.
const TIMEOUT_SECONDS: u32 = 3;
const MEMORY_MB: u32 = 128;
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const LONGEST_TIMEOUT_SECONDS: u32 = 900;

/// A function as Lambda would be asked to create it.
#[derive(Clone, PartialEq)]
pub struct Function {
    /// Its name in the template.
    pub logical_id: String,
    /// `FunctionName`, if the template gives one.
    pub name: Option<String>,
    /// Where its code is.
    pub code: Code,
    /// `module.function`; images have none.
    pub handler: Option<String>,
    /// `python3.13`; images have none.
    pub runtime: Option<String>,
    /// 3 unless given.
    pub timeout_seconds: u32,
    /// 128 unless given.
    pub memory_mb: u32,
    /// Its environment variables.
    pub environment: BTreeMap<String, String>,
    /// ARNs of layer versions, or what `Ref` gives for layers of this template.
    pub layers: Vec<String>,
    /// The processor it runs on.
    pub architecture: Architecture,
    /// Its role's ARN.
    pub role: Option<String>,
    /// It is deployed as a container image.
    pub package_image: bool,
    /// What invokes it; only SAM's functions say so themselves.
    pub events: Vec<Event>,
    /// Where its logical id stands.
    pub position: Position,
}

/// Names of environment variables only: their values may be secrets.
impl fmt::Debug for Function {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Function")
            .field("logical_id", &self.logical_id)
            .field("name", &self.name)
            .field("handler", &self.handler)
            .field("runtime", &self.runtime)
            .field("environment", &self.environment.keys())
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}

/// Where code is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// A path relative to the template: `CodeUri`, a local `Code`, or the asset of a CDK template.
    Path(String),
    /// The source itself: `InlineCode`, `ZipFile`.
    Inline(String),
    /// An S3 object (`s3://bucket/key`) or an image's URI.
    Remote(String),
    /// The template does not say.
    Missing,
}

/// The processor's instruction set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Architecture {
    /// `x86_64`, Lambda's default.
    #[default]
    X86_64,
    /// `arm64`.
    Arm64,
}

impl Architecture {
    /// As the API writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "x86_64" => Some(Self::X86_64),
            "arm64" => Some(Self::Arm64),
            _ => None,
        }
    }
}

/// One of a SAM function's `Events`.
#[derive(Clone, PartialEq)]
pub struct Event {
    /// Its name in the template.
    pub name: String,
    /// `Schedule`, `Api`, `HttpApi`, `SQS` …
    pub kind: String,
    /// Its properties, or null.
    pub properties: Value,
}

/// No properties: `Input` is a payload.
impl fmt::Debug for Event {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Event")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl Stack {
    /// Every function of the stack.
    ///
    /// # Errors
    /// Wrong or missing properties of any of them.
    pub fn functions(&self) -> Result<Vec<Function>, Problems> {
        let kinds = [SAM_FUNCTION, LAMBDA_FUNCTION];
        let functions = self.resources.values();
        let functions = functions.filter(|it| kinds.contains(&it.kind.as_str()));
        reader::each(functions, |it| Function::from_resource(it, &self.file))
    }
}

impl Function {
    /// Reads a function; `file` is the name that problems carry.
    ///
    /// # Errors
    /// Properties of the wrong type, and missing ones: a function that is no image needs `Handler`
    /// and `Runtime`.
    pub fn from_resource(resource: &Resource, file: &str) -> Result<Function, Problems> {
        let mut reader = Reader::new(resource, file);
        let package_image = reader.text("PackageType").as_deref() == Some("Image");
        if !package_image {
            for required in ["Handler", "Runtime"] {
                if reader.property(required).is_none() {
                    reader.missing(required);
                }
            }
        }
        let function = Function {
            logical_id: resource.logical_id.clone(),
            name: reader.text("FunctionName"),
            code: function_code(&mut reader),
            handler: reader.text("Handler"),
            runtime: reader.text("Runtime"),
            timeout_seconds: timeout(&mut reader),
            memory_mb: reader.number("MemorySize").unwrap_or(MEMORY_MB),
            environment: reader.text_map("Environment.Variables"),
            layers: reader.texts("Layers"),
            architecture: architecture(&mut reader),
            role: reader.text("Role"),
            package_image,
            events: events(&mut reader),
            position: resource.position,
        };
        reader.finish(function)
    }
}

fn timeout(reader: &mut Reader<'_>) -> u32 {
    let seconds = reader.number("Timeout").unwrap_or(TIMEOUT_SECONDS);
    if !(1..=LONGEST_TIMEOUT_SECONDS).contains(&seconds) {
        let message = format!("it must be from 1 to {LONGEST_TIMEOUT_SECONDS} seconds.");
        reader.wrong("Timeout", message);
    }
    seconds
}

fn architecture(reader: &mut Reader<'_>) -> Architecture {
    let Some(name) = reader.texts("Architectures").into_iter().next() else {
        return Architecture::default();
    };
    Architecture::parse(&name).unwrap_or_else(|| {
        let message = format!("{name} is no architecture; it is x86_64 or arm64.");
        reader.wrong("Architectures", message);
        Architecture::default()
    })
}

fn function_code(reader: &mut Reader<'_>) -> Code {
    if let Some(path) = asset(reader) {
        return path;
    }
    if reader.resource.kind == SAM_FUNCTION {
        if let Some(source) = reader.text("InlineCode") {
            return Code::Inline(source);
        }
        if let Some(image) = reader.text("ImageUri") {
            return Code::Remote(image);
        }
        return code(reader, "CodeUri", "Bucket", "Key");
    }
    if let Some(source) = reader.text("Code.ZipFile") {
        return Code::Inline(source);
    }
    if let Some(image) = reader.text("Code.ImageUri") {
        return Code::Remote(image);
    }
    code(reader, "Code", "S3Bucket", "S3Key")
}

/// A CDK template tells in the metadata which local directory an asset was made of.
/// <https://docs.aws.amazon.com/cdk/v2/guide/cfn-layer.html>
pub(crate) fn asset(reader: &Reader<'_>) -> Option<Code> {
    let path = reader.resource.metadata.get("aws:asset:path")?.as_str()?;
    Some(Code::Path(path.to_owned()))
}

/// A path, an `s3://` address, or a map of bucket and key.
pub(crate) fn code(reader: &mut Reader<'_>, property: &str, bucket: &str, key: &str) -> Code {
    let value = match reader.property(property) {
        None => return Code::Missing,
        Some(value) => value,
    };
    if let Some(text) = value.as_str() {
        return if text.starts_with("s3://") || text.starts_with("https://") {
            Code::Remote(text.to_owned())
        } else {
            Code::Path(text.to_owned())
        };
    }
    let part = |name: &str| value.get(name).and_then(stringified);
    match (part(bucket), part(key)) {
        (Some(bucket), Some(key)) => Code::Remote(format!("s3://{bucket}/{key}")),
        _ => {
            let message = format!("it must be a path, an s3:// address, or {bucket} and {key}.");
            reader.wrong(property, message);
            Code::Missing
        }
    }
}

fn events(reader: &mut Reader<'_>) -> Vec<Event> {
    if reader.resource.kind != SAM_FUNCTION {
        return Vec::new();
    }
    let mut events = Vec::new();
    for (name, value) in reader.map("Events").into_iter().flatten() {
        match value.get("Type").and_then(Value::as_str) {
            Some(kind) => events.push(Event {
                name: name.clone(),
                kind: kind.to_owned(),
                properties: value.get("Properties").cloned().unwrap_or_default(),
            }),
            None => {
                let message = "an event is a map with a Type such as Api or Schedule.";
                reader.wrong(&format!("Events.{name}"), message);
            }
        }
    }
    events
}

#[cfg(test)]
#[path = "function_tests.rs"]
mod tests;
