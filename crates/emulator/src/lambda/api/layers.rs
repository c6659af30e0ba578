//! Layer versions.

use super::request::Request;
use super::{Answer, empty, json, ok};
use crate::lambda::{Lambda, LambdaError, Wanted, archive};
use http::StatusCode;
use serde_json::json;

/// <https://docs.aws.amazon.com/lambda/latest/api/API_ListLayers.html>
const PAGE: usize = 50;

pub(super) async fn serve(
    lambda: &Lambda,
    path: &[&str],
    request: &Request<'_>,
) -> Result<Answer, LambdaError> {
    let layers = &lambda.layers;
    let wanted = Wanted {
        runtime: request.query("CompatibleRuntime"),
        architecture: request.query("CompatibleArchitecture"),
    };
    match (request.method(), path) {
        ("GET", []) if request.query("find") == Some("LayerVersion") => {
            let arn = request.query("Arn").unwrap_or_default();
            Ok(ok(&layers.by_arn(arn)?))
        }
        ("GET", []) => request.page("Layers", PAGE, layers.list(&wanted)),
        ("GET", [name, "versions"]) => {
            let versions = layers.versions(name, &wanted);
            request.page("LayerVersions", PAGE, versions)
        }
        ("POST", [name, "versions"]) => {
            let asked = request.json()?;
            let content = asked.get("Content").cloned().unwrap_or(json!({}));
            if content.get("ZipFile").is_none() {
                let what = "PublishLayerVersion without a ZipFile".to_owned();
                return Err(LambdaError::NotServed(what));
            }
            let archive = archive::read(content.get("ZipFile"))?;
            let published = layers.publish(name, archive, &asked).await?;
            Ok(json(StatusCode::CREATED, &published))
        }
        ("GET", [name, "versions", version]) => Ok(ok(&layers.version(name, version)?)),
        ("DELETE", [name, "versions", version]) => {
            layers.delete(name, version);
            Ok(empty(StatusCode::NO_CONTENT))
        }
        _ => Err(request.not_served()),
    }
}
