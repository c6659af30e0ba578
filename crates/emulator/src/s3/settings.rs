//! Buckets: made, looked at, set up, removed.

use super::store::{Bucket, Store, now};
use s3s::dto::{
    Bucket as Listed, BucketLocationConstraint, CreateBucketInput, CreateBucketOutput,
    GetBucketLocationOutput, ListBucketsOutput, Owner, PublicAccessBlockConfiguration,
    ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration,
    ServerSideEncryptionRule,
};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};
use std::collections::BTreeMap;

/// Where a bucket is that says nothing.
const FIRST_REGION: &str = "us-east-1";

impl Store {
    /// `CreateBucket`. In us-east-1 one's own bucket can be made again
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html>).
    pub(super) fn create(&self, input: &CreateBucketInput) -> S3Result<CreateBucketOutput> {
        let wanted = input.create_bucket_configuration.as_ref();
        let wanted = wanted.and_then(|it| it.location_constraint.as_ref());
        self.check_location(wanted.map(BucketLocationConstraint::as_str))?;
        let mut buckets = self.buckets();
        if buckets.contains_key(&input.bucket) && self.region != FIRST_REGION {
            return Err(s3_error!(
                BucketAlreadyOwnedByYou,
                "Your previous request to create the named bucket succeeded and you already own it."
            ));
        }
        buckets.entry(input.bucket.clone()).or_insert_with(empty);
        Ok(CreateBucketOutput {
            location: Some(format!("/{}", input.bucket)),
        })
    }

    fn check_location(&self, wanted: Option<&str>) -> S3Result<()> {
        match wanted {
            Some(wanted) if wanted == FIRST_REGION => Err(s3_error!(
                InvalidLocationConstraint,
                "The specified location-constraint is not valid"
            )),
            None if self.region == FIRST_REGION => Ok(()),
            Some(wanted) if wanted == self.region => Ok(()),
            wanted => Err(s3_error!(
                IllegalLocationConstraintException,
                "The {} location constraint is incompatible for the region specific endpoint this \
                 request was sent to.",
                wanted.unwrap_or("unspecified")
            )),
        }
    }

    pub(super) fn location(&self) -> GetBucketLocationOutput {
        let elsewhere = self.region != FIRST_REGION;
        let region = BucketLocationConstraint::from(self.region.clone());
        GetBucketLocationOutput {
            location_constraint: elsewhere.then_some(region),
        }
    }

    pub(super) fn all(&self) -> ListBucketsOutput {
        let buckets = self.buckets();
        let buckets = buckets.iter().map(|(name, it)| Listed {
            creation_date: Some(it.created.clone()),
            name: Some(name.clone()),
            bucket_region: Some(self.region.clone()),
        });
        ListBucketsOutput {
            buckets: Some(buckets.collect()),
            owner: Some(Owner {
                display_name: None,
                id: Some("emulated".to_owned()),
            }),
            ..ListBucketsOutput::default()
        }
    }

    /// `DeleteBucket`: only an empty one.
    pub(super) fn delete_bucket(&self, name: &str) -> S3Result<()> {
        self.with(name, |bucket| {
            let empty = bucket.objects.is_empty();
            empty.then_some(()).ok_or_else(|| {
                s3_error!(
                    BucketNotEmpty,
                    "The bucket you tried to delete is not empty"
                )
            })
        })?;
        self.buckets().remove(name);
        Ok(())
    }
}

/// As a bucket is at first: encrypted, and closed to the public.
fn empty() -> Bucket {
    Bucket {
        created: now(),
        objects: BTreeMap::new(),
        uploads: super::uploads::Uploads::default(),
        versioning: None,
        encryption: encrypted(),
        public_access: Some(PublicAccessBlockConfiguration {
            block_public_acls: Some(true),
            block_public_policy: Some(true),
            ignore_public_acls: Some(true),
            restrict_public_buckets: Some(true),
        }),
        policy: None,
        tags: None,
        lifecycle: None,
    }
}

/// Without a key of one's own.
pub(super) fn encrypted() -> ServerSideEncryptionConfiguration {
    let algorithm = ServerSideEncryption::AES256;
    ServerSideEncryptionConfiguration {
        rules: vec![ServerSideEncryptionRule {
            apply_server_side_encryption_by_default: Some(ServerSideEncryptionByDefault {
                kms_master_key_id: None,
                sse_algorithm: ServerSideEncryption::from_static(algorithm),
            }),
            bucket_key_enabled: Some(false),
        }],
    }
}

/// One that `s3s` has no name for.
pub(super) fn no_public_access_block() -> S3Error {
    let code = S3ErrorCode::Custom("NoSuchPublicAccessBlockConfiguration".into());
    let mut error =
        S3Error::with_message(code, "The public access block configuration was not found");
    error.set_status_code(http::StatusCode::NOT_FOUND);
    error
}
