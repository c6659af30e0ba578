//! Java functions, by AWS's own client (`aws-lambda-java-runtime-interface-client`)
//! when it is among the project's dependencies. Maven or Gradle, the project's
//! own where it has a wrapper, compile the code and say the class path.
//!
//! Tried with a stand-in for the client and for Maven only: neither the client
//! nor Gradle could be had where this was written.

use super::build::{BuildTool, Built};
use super::{BuildFailed, Progress, RunsOn, Source, StartCommand, StartError, tool};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// <https://github.com/aws/aws-lambda-java-libs/tree/main/aws-lambda-java-runtime-interface-client>
const CLIENT: &str = "aws-lambda-java-runtime-interface-client";
const MAIN: &str = "com.amazonaws.services.lambda.runtime.api.client.AWSLambda";

/// Any free port of this machine; `suspend=n`: it does not wait.
/// <https://docs.oracle.com/en/java/javase/21/docs/specs/jpda/conninv.html>
pub(super) const AGENT: &str =
    "-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=127.0.0.1:0";

/// A function's project.
#[derive(Debug)]
pub struct Java {
    java: PathBuf,
    tool: Tool,
    source: Source,
    /// The class path and what Gradle is told stand there.
    folder: tempfile::TempDir,
    built: Built,
}

#[derive(Debug)]
enum Tool {
    Maven(PathBuf),
    Gradle(PathBuf),
}

impl Java {
    pub(super) fn find(source: &Source) -> Result<Self, StartError> {
        let name = || source.name.clone();
        let home = std::env::var_os("JAVA_HOME").map(|it| Path::new(&it).join("bin"));
        let home = home.and_then(|it| tool::in_folder(&it, "java"));
        let java = home.or_else(|| tool::find("java", &[]));
        let java = java.ok_or_else(|| StartError::NoTool {
            tool: "java",
            function: name(),
            install: "install a JDK (https://adoptium.net), and set JAVA_HOME or the PATH",
        })?;
        Ok(Self {
            java,
            tool: Tool::find(source)?,
            source: source.clone(),
            folder: tempfile::Builder::new().prefix("tether-java-").tempdir()?,
            built: Built::default(),
        })
    }

    pub(super) fn program(&self) -> &Path {
        &self.java
    }

    pub(super) async fn check(&self) -> Result<RunsOn, StartError> {
        // `openjdk 17.0.15 2025-04-15`
        let said = tool::first_line(&self.java, &["--version"]).await;
        let said = said.map_err(|reason| StartError::Broken {
            program: self.java.clone(),
            reason,
            advice: "install a JDK anew",
        })?;
        let version = said.split(' ').nth(1).unwrap_or_default();
        let major = version.split('.').next().unwrap_or_default();
        let meant = self.source.runtime.strip_prefix("java").unwrap_or_default();
        Ok(RunsOn {
            as_meant: meant.split('.').next() == Some(major),
            what: format!("Java {version} ({})", self.java.display()),
        })
    }

    pub(super) fn watched(&self) -> Vec<PathBuf> {
        vec![self.source.code.clone()]
    }

    pub(super) async fn build(&self, progress: &Progress) -> Result<(), BuildFailed> {
        self.built
            .again(&self.watched(), self.compile(progress))
            .await
    }

    async fn compile(&self, progress: &Progress) -> Result<PathBuf, BuildFailed> {
        let file = self.folder.path().join("classpath");
        let tool = match &self.tool {
            Tool::Maven(program) => self.maven(program, &file),
            Tool::Gradle(program) => self.gradle(program, &file)?,
        };
        tool.run_shown(progress, is_error).await?;
        let unreadable = |error| BuildFailed::new(format!("the class path is not there ({error})"));
        let mut classes = std::fs::read_to_string(&file).map_err(unreadable)?;
        if matches!(self.tool, Tool::Maven(_)) {
            // It says the dependencies only.
            let own = self.source.code.join("target").join("classes");
            classes = format!("{}{}{}", own.display(), SEPARATOR, classes.trim());
            std::fs::write(&file, &classes).map_err(unreadable)?;
        }
        match classes.contains(CLIENT) {
            true => Ok(file),
            false => Err(BuildFailed::new(format!(
                "{CLIENT} is not among the dependencies: add com.amazonaws:{CLIENT}, or name a command in tether.toml"
            ))),
        }
    }

    /// <https://maven.apache.org/plugins/maven-dependency-plugin/build-classpath-mojo.html>
    fn maven(&self, program: &Path, file: &Path) -> BuildTool {
        BuildTool::new(program, &self.source.code)
            .arguments([
                "--quiet",
                "--batch-mode",
                "compile",
                "dependency:build-classpath",
            ])
            .arguments(["-Dmdep.includeScope=runtime".to_owned()])
            .arguments([format!("-Dmdep.outputFile={}", file.display())])
    }

    fn gradle(&self, program: &Path, file: &Path) -> Result<BuildTool, BuildFailed> {
        let script = self.folder.path().join("init.gradle");
        let text = GRADLE.replace("FILE", &file.display().to_string().replace('\\', "\\\\"));
        std::fs::write(&script, text)
            .map_err(|error| BuildFailed::new(format!("Gradle cannot be told ({error})")))?;
        Ok(BuildTool::new(program, &self.source.code)
            .arguments(["--quiet", "--init-script"])
            .arguments([script])
            .arguments(["tetherClassPath"]))
    }

    pub(super) fn command(&self, debugged: bool) -> StartCommand {
        let file = self.built.product().unwrap_or_default();
        let classes = std::fs::read_to_string(file).unwrap_or_default();
        let mut arguments: Vec<OsString> = Vec::new();
        if debugged {
            arguments.push(AGENT.into());
        }
        arguments.extend(["-cp".into(), classes.trim().into()]);
        arguments.extend([MAIN.into(), self.source.handler.clone().into()]);
        StartCommand {
            program: self.java.clone(),
            arguments,
            ..StartCommand::default()
        }
    }
}

impl Tool {
    /// The project's wrapper, of its folder or one above, else the machine's.
    fn find(source: &Source) -> Result<Self, StartError> {
        let code = &source.code;
        let has = |names: &[&str]| names.iter().any(|it| code.join(it).is_file());
        let program = |wrapper: &str, name: &'static str, install: &'static str| {
            let mut wrappers = code
                .ancestors()
                .filter_map(|it| tool::in_folder(it, wrapper));
            let found = wrappers.next().or_else(|| tool::find(name, &[]));
            found.ok_or_else(|| StartError::NoTool {
                tool: name,
                function: source.name.clone(),
                install,
            })
        };
        if has(&["pom.xml"]) {
            let install =
                "install Maven (https://maven.apache.org), or give the project its wrapper";
            return program("mvnw", "mvn", install).map(Self::Maven);
        }
        if has(&["build.gradle", "build.gradle.kts"]) {
            let install = "install Gradle (https://gradle.org), or give the project its wrapper";
            return program("gradlew", "gradle", install).map(Self::Gradle);
        }
        Err(StartError::Unknown {
            runtime: source.runtime.clone(),
            advice: "there is no pom.xml or build.gradle in its folder: name a command for it in tether.toml",
        })
    }
}

const SEPARATOR: char = if cfg!(windows) { ';' } else { ':' };

/// A task for every project that has Java in it.
const GRADLE: &str = "allprojects {
    plugins.withId('java') {
        tasks.register('tetherClassPath') {
            dependsOn 'classes'
            doLast { new File('FILE').text = sourceSets.main.runtimeClasspath.asPath }
        }
    }
}
";

/// `[ERROR] /…/App.java:[3,5] …` of Maven, `…/App.java:3: error: …` of javac.
fn is_error(line: &str) -> bool {
    line.contains("error:") || (line.starts_with("[ERROR]") && line.contains(".java:"))
}
