//! The bucket that CloudFormation takes the code from.

use crate::call::Call;
use crate::error::Error;
use crate::names::{self, BUCKET_TAG};
use crate::place::Place;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketLocationConstraint, CreateBucketConfiguration, PublicAccessBlockConfiguration,
    ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration,
    ServerSideEncryptionRule, Tag, Tagging,
};
use aws_smithy_types::timeout::TimeoutConfig;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tether_aws::Failure;
use tether_receiver::Account;
use tokio::time::Instant;

/// One artifact, over a slow line.
const UPLOAD: Duration = Duration::from_secs(15 * 60);

/// For so long S3 may go on with a bucket of that name, and how soon it is asked
/// again.
const SETTLING: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// What a bucket of that name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// There is none.
    Missing,
    /// We have made it, for this stack.
    Ours,
    /// This account's, and it was asked for.
    Given,
}

/// A bucket, by its name.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    client: Client,
    pub(crate) name: String,
    stack: String,
    place: Place,
}

impl Bucket {
    pub(crate) fn new(account: &Account, place: &Place, stack: &str, name: String) -> Self {
        let timeouts = TimeoutConfig::builder().operation_timeout(UPLOAD).build();
        let config = aws_sdk_s3::config::Builder::from(account.caller())
            .timeout_config(timeouts)
            // The name of a bucket is no name of a host behind an endpoint of one's own.
            .force_path_style(account.endpoint_url().is_some())
            .build();
        Self {
            client: Client::from_conf(config),
            name,
            stack: stack.to_owned(),
            place: place.clone(),
        }
    }

    /// Looks whose it is.
    ///
    /// # Errors
    /// When it is somebody else's, or cannot be seen.
    pub(crate) async fn look(&self, is_asked_for: bool) -> Result<Standing, Error> {
        let head = self.client.head_bucket().bucket(&self.name);
        let head = head.expected_bucket_owner(&self.place.account).send().await;
        if let Err(error) = head {
            let failure = tether_aws::classify(&error);
            return match failure.status {
                Some(404) => Ok(Standing::Missing),
                Some(301 | 400) => Err(self.unusable("it is in another region")),
                Some(403) => {
                    Err(self
                        .unusable("it is another account's, or you may not s3:ListBucket on it"))
                }
                _ => Err(self
                    .call("cannot be looked at", "s3:ListBucket")
                    .means(&failure)),
            };
        }
        let tags = self.tags().await?;
        if tags.get(BUCKET_TAG).is_some_and(|it| *it == self.stack) {
            return Ok(Standing::Ours);
        }
        if is_asked_for {
            return Ok(Standing::Given);
        }
        // Made by an installation that ended before it could say so.
        if tags.is_empty() && self.keys("").await?.is_empty() {
            return Ok(Standing::Ours);
        }
        Err(self.unusable("it was not made by tether for this stack"))
    }

    /// Makes it, private and encrypted, or makes it so again.
    pub(crate) async fn make(
        &self,
        standing: Standing,
        tags: &BTreeMap<String, String>,
    ) -> Result<(), Error> {
        let mut all = match standing {
            Standing::Given => return Ok(()),
            Standing::Missing => {
                self.create().await?;
                BTreeMap::new()
            }
            Standing::Ours => self.tags().await?,
        };
        all.extend(tags.clone());
        all.insert(BUCKET_TAG.to_owned(), self.stack.clone());
        self.tag(&all).await?;
        self.close_to_the_public().await?;
        self.encrypt().await?;
        let policy = tls_only(&self.name, &self.place.partition);
        let put = self.client.put_bucket_policy().bucket(&self.name);
        let put = put
            .expected_bucket_owner(&self.place.account)
            .policy(policy);
        let call = self.call("cannot have a policy", "s3:PutBucketPolicy");
        self.settled(&call, || answer(put.clone().send())).await
    }

    /// S3 goes on with a bucket, one that was deleted as well as one that is
    /// new, for some time after it has answered
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList>).
    async fn settled<F>(&self, call: &Call, ask: impl Fn() -> F) -> Result<(), Error>
    where
        F: Future<Output = Result<(), Failure>>,
    {
        self.once_settled(ask)
            .await?
            .map_err(|failure| call.means(&failure))
    }

    /// What S3 says once it has finished.
    async fn once_settled<F>(&self, ask: impl Fn() -> F) -> Result<Result<(), Failure>, Error>
    where
        F: Future<Output = Result<(), Failure>>,
    {
        let began = Instant::now();
        loop {
            match ask().await {
                Err(failure) if is_unfinished(&failure) => {}
                answer => return Ok(answer),
            }
            if began.elapsed() > SETTLING {
                return Err(Error::Unfinished(self.name.clone()));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    async fn create(&self) -> Result<(), Error> {
        let create = self.client.create_bucket().bucket(&self.name);
        // us-east-1 is the one that must not be named
        // (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucketConfiguration.html>).
        let create = match self.place.region.as_str() {
            "us-east-1" => create,
            region => create.create_bucket_configuration(
                CreateBucketConfiguration::builder()
                    .location_constraint(BucketLocationConstraint::from(region))
                    .build(),
            ),
        };
        let created = self.once_settled(|| answer(create.clone().send()));
        let Err(failure) = created.await? else {
            return Ok(());
        };
        match failure.code.as_str() {
            "BucketAlreadyOwnedByYou" => Ok(()),
            "BucketAlreadyExists" => {
                Err(self.unusable("it is another account's: all accounts share their names"))
            }
            _ => Err(self
                .call("cannot be made", "s3:CreateBucket")
                .means(&failure)),
        }
    }

    async fn tag(&self, tags: &BTreeMap<String, String>) -> Result<(), Error> {
        let call = self.call("cannot be tagged", "s3:PutBucketTagging");
        let built = |error: aws_smithy_types::error::operation::BuildError| {
            self.unusable(&error.to_string())
        };
        let set = tags.iter().map(|(key, value)| {
            let tag = Tag::builder().key(key).value(value);
            tag.build().map_err(built)
        });
        let set = set.collect::<Result<Vec<_>, _>>()?;
        let tagging = Tagging::builder().set_tag_set(Some(set)).build();
        let put = self.client.put_bucket_tagging().bucket(&self.name);
        let put = put.expected_bucket_owner(&self.place.account);
        let put = put.tagging(tagging.map_err(built)?);
        self.settled(&call, || answer(put.clone().send())).await
    }

    async fn tags(&self) -> Result<BTreeMap<String, String>, Error> {
        let read = self.client.get_bucket_tagging().bucket(&self.name);
        let read = read.expected_bucket_owner(&self.place.account).send().await;
        match read {
            Ok(read) => {
                let tags = read.tag_set.into_iter();
                Ok(tags.map(|it| (it.key, it.value)).collect())
            }
            Err(error) => {
                let failure = tether_aws::classify(&error);
                if failure.code == "NoSuchTagSet" {
                    return Ok(BTreeMap::new());
                }
                let call = self.call("does not say whose it is", "s3:GetBucketTagging");
                Err(call.means(&failure))
            }
        }
    }

    async fn close_to_the_public(&self) -> Result<(), Error> {
        let closed = PublicAccessBlockConfiguration::builder()
            .block_public_acls(true)
            .ignore_public_acls(true)
            .block_public_policy(true)
            .restrict_public_buckets(true)
            .build();
        let put = self.client.put_public_access_block().bucket(&self.name);
        let put = put
            .expected_bucket_owner(&self.place.account)
            .public_access_block_configuration(closed);
        let call = self.call("cannot be closed", "s3:PutBucketPublicAccessBlock");
        self.settled(&call, || answer(put.clone().send())).await
    }

    async fn encrypt(&self) -> Result<(), Error> {
        let built = |error: aws_smithy_types::error::operation::BuildError| {
            self.unusable(&error.to_string())
        };
        let with = ServerSideEncryptionByDefault::builder()
            .sse_algorithm(ServerSideEncryption::Aes256)
            .build()
            .map_err(built)?;
        let rule = ServerSideEncryptionRule::builder();
        let rule = rule.apply_server_side_encryption_by_default(with).build();
        let rules = ServerSideEncryptionConfiguration::builder().rules(rule);
        let put = self.client.put_bucket_encryption().bucket(&self.name);
        let put = put
            .expected_bucket_owner(&self.place.account)
            .server_side_encryption_configuration(rules.build().map_err(built)?);
        let call = self.call("cannot be encrypted", "s3:PutEncryptionConfiguration");
        self.settled(&call, || answer(put.clone().send())).await
    }

    /// What is in it.
    pub(crate) async fn keys(&self, prefix: &str) -> Result<BTreeSet<String>, Error> {
        let call = self.call("cannot be listed", "s3:ListBucket");
        let list = self.client.list_objects_v2().bucket(&self.name);
        let list = list
            .expected_bucket_owner(&self.place.account)
            .prefix(prefix);
        let mut pages = list.into_paginator().send();
        let mut keys = BTreeSet::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| call.failed(&error))?;
            keys.extend(
                page.contents
                    .unwrap_or_default()
                    .into_iter()
                    .filter_map(|it| it.key),
            );
        }
        Ok(keys)
    }

    pub(crate) async fn upload(&self, key: &str, content: Vec<u8>) -> Result<(), Error> {
        let put = self.client.put_object().bucket(&self.name).key(key);
        let put = put
            .expected_bucket_owner(&self.place.account)
            .body(ByteStream::from(content));
        let call = Call::new(
            format!("{key} cannot be uploaded into the bucket {}", self.name),
            "s3:PutObject",
            format!("{}/{key}", self.arn()),
        );
        put.send()
            .await
            .map(drop)
            .map_err(|error| call.failed(&error))
    }

    /// Removes what is in it for this stack, and the bucket itself if it is
    /// ours. What was removed, in words.
    pub(crate) async fn remove(&self, standing: Standing) -> Result<Option<String>, Error> {
        let prefix = match standing {
            Standing::Missing => return Ok(None),
            Standing::Ours => String::new(),
            Standing::Given => names::prefix(&self.stack),
        };
        for key in self.keys(&prefix).await? {
            let delete = self.client.delete_object().bucket(&self.name).key(&key);
            let delete = delete.expected_bucket_owner(&self.place.account);
            let call = Call::new(
                format!("{key} cannot be deleted from the bucket {}", self.name),
                "s3:DeleteObject",
                format!("{}/{key}", self.arn()),
            );
            delete.send().await.map_err(|error| call.failed(&error))?;
        }
        if standing == Standing::Given {
            return Ok(Some(format!(
                "tether's artifacts in the bucket {}",
                self.name
            )));
        }
        let delete = self.client.delete_bucket().bucket(&self.name);
        let delete = delete.expected_bucket_owner(&self.place.account);
        let call = self.call("cannot be deleted", "s3:DeleteBucket");
        delete.send().await.map_err(|error| call.failed(&error))?;
        Ok(Some(format!("the bucket {}", self.name)))
    }

    fn arn(&self) -> String {
        format!("arn:{}:s3:::{}", self.place.partition, self.name)
    }

    fn call(&self, what: &str, action: &'static str) -> Call {
        Call::new(
            format!("the bucket {} {what}", self.name),
            action,
            self.arn(),
        )
    }

    fn unusable(&self, why: &str) -> Error {
        Error::Bucket {
            bucket: self.name.clone(),
            why: why.to_owned(),
        }
    }
}

/// What was answered, without what nobody reads.
async fn answer<T, E>(
    asked: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
) -> Result<(), Failure>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let answered = asked.await;
    answered
        .map(drop)
        .map_err(|error| tether_aws::classify(&error))
}

fn is_unfinished(failure: &Failure) -> bool {
    ["OperationAborted", "NoSuchBucket"].contains(&failure.code.as_str())
}

/// Nobody reads or writes it over a line that others can read along
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html>).
fn tls_only(bucket: &str, partition: &str) -> String {
    let arn = format!("arn:{partition}:s3:::{bucket}");
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "TlsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn, format!("{arn}/*")],
            "Condition": { "Bool": { "aws:SecureTransport": "false" } },
        }],
    })
    .to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn the_policy_denies_plain_text_in_its_partition() {
        let policy: serde_json::Value = serde_json::from_str(&tls_only("b", "aws-us-gov")).unwrap();
        let statement = &policy["Statement"][0];
        assert_eq!(
            statement["Resource"],
            json!(["arn:aws-us-gov:s3:::b", "arn:aws-us-gov:s3:::b/*"])
        );
        assert_eq!(statement["Effect"], "Deny");
    }
}
