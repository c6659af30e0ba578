//! DynamoDB, embedded: `dynoxide-rs`, in this process, behind a port of its
//! own that only the endpoint talks to.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What the tables are kept in, where they are kept.
const FILE: &str = "dynamodb.sqlite";

pub(crate) struct DynamoDb {
    client: Client<HttpConnector, Full<Bytes>>,
    address: SocketAddr,
}

impl DynamoDb {
    pub(crate) async fn start(
        tasks: &TaskTracker,
        ending: CancellationToken,
        data_dir: Option<&Path>,
    ) -> std::io::Result<Self> {
        let database = database(data_dir)?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        tasks.spawn(async move {
            let end = ending.cancelled_owned();
            // It ends when the emulator ends.
            let _ = dynoxide::server::serve_with_shutdown(listener, database, end).await;
        });
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            address,
        })
    }

    /// How a table is, if it is there.
    pub(crate) async fn describe(&self, name: &str) -> Option<Value> {
        let named = serde_json::json!({ "TableName": name });
        let described = self.call("DescribeTable", &named).await.ok()?;
        described.get("Table").cloned()
    }

    /// Where an SDK finds it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Passes a request on, as it is.
    pub(crate) async fn forward(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<Full<Bytes>>, String> {
        *request.uri_mut() = format!("http://{}/", self.address)
            .parse()
            .map_err(|error: http::uri::InvalidUri| error.to_string())?;
        let answer = self.client.request(request).await;
        let (parts, body) = answer.map_err(|error| error.to_string())?.into_parts();
        let body = body.collect().await.map_err(|error| error.to_string())?;
        Ok(Response::from_parts(parts, Full::new(body.to_bytes())))
    }

    /// Makes a call of our own, as a deployment does.
    pub(crate) async fn call(&self, operation: &str, body: &Value) -> Result<Value, String> {
        let request = Request::post("/")
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .header("content-type", "application/x-amz-json-1.0")
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=deploy/20260101/us-east-1/dynamodb/aws4_request, \
                 SignedHeaders=host, Signature=00",
            )
            .header("x-amz-date", "20260101T000000Z")
            .body(Full::new(Bytes::from(body.to_string())))
            .map_err(|error| error.to_string())?;
        let (parts, body) = self.forward(request).await?.into_parts();
        let bytes = body
            .collect()
            .await
            .map(http_body_util::Collected::to_bytes);
        let bytes = bytes.unwrap_or_default();
        if parts.status.is_success() {
            return serde_json::from_slice(&bytes).map_err(|error| error.to_string());
        }
        let error: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let words = error.get("message").or_else(|| error.get("Message"));
        Err(words
            .and_then(Value::as_str)
            .unwrap_or("no message")
            .to_owned())
    }
}

/// In memory, or in a file of a folder, where it was before.
fn database(data_dir: Option<&Path>) -> std::io::Result<dynoxide::Database> {
    let Some(folder) = data_dir else {
        return dynoxide::Database::memory().map_err(std::io::Error::other);
    };
    let file = folder.join(FILE);
    let told = |error: &dyn std::fmt::Display| {
        std::io::Error::other(format!(
            "tables cannot be kept in {} ({error}): choose another folder for them, or none",
            file.display()
        ))
    };
    std::fs::create_dir_all(folder).map_err(|error| told(&error))?;
    let path = file.to_str().ok_or_else(|| told(&"its path is no text"))?;
    dynoxide::Database::new(path).map_err(|error| told(&error))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use serde_json::json;

    fn items() -> Value {
        json!({
            "TableName": "items",
            "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
            "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
            "BillingMode": "PAY_PER_REQUEST",
        })
    }

    /// One run of the emulator.
    async fn run(folder: Option<&Path>) -> (DynamoDb, impl AsyncFnOnce()) {
        let (tasks, ending) = (TaskTracker::new(), CancellationToken::new());
        let dynamodb = DynamoDb::start(&tasks, ending.clone(), folder);
        let dynamodb = dynamodb.await.unwrap();
        let end = async move || {
            ending.cancel();
            tasks.close();
            tasks.wait().await;
        };
        (dynamodb, end)
    }

    #[tokio::test]
    async fn a_table_is_kept_in_a_folder_and_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("new");
        let key = json!({ "id": { "S": "1" } });
        for kept in [Some(folder.as_path()), None] {
            let (first, end) = run(kept).await;
            first.call("CreateTable", &items()).await.unwrap();
            let item = json!({ "TableName": "items", "Item": key });
            first.call("PutItem", &item).await.unwrap();
            end().await;
            let (second, end) = run(kept).await;
            let table = second.describe("items").await;
            assert_eq!(table.is_some(), kept.is_some());
            if kept.is_some() {
                let item = json!({ "TableName": "items", "Key": key });
                let found = second.call("GetItem", &item).await.unwrap();
                assert_eq!(found["Item"], key);
            }
            end().await;
        }
    }

    #[tokio::test]
    async fn a_folder_that_is_none_is_named_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let (tasks, ending) = (TaskTracker::new(), CancellationToken::new());
        let error = DynamoDb::start(&tasks, ending, Some(&file)).await;
        let error = error.err().unwrap().to_string();
        assert!(error.contains("choose another folder"), "{error}");
    }
}
