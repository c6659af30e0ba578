//! What of S3 is served: each operation by name. Everything else is `s3s`'s
//! own `NotImplemented`.

use super::settings::no_public_access_block;
use super::store::{Bucket, Store};
use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};
use std::sync::Arc;

/// See the module.
pub(super) struct Operations(Arc<Store>);

impl Operations {
    pub(super) fn new(store: Arc<Store>) -> Self {
        Self(store)
    }

    /// Changes a bucket.
    fn set(&self, bucket: &str, change: impl FnOnce(&mut Bucket)) -> S3Result<()> {
        self.0.with(bucket, |it| {
            change(it);
            Ok(())
        })
    }

    /// Reads something of a bucket.
    fn of<T>(&self, bucket: &str, read: impl FnOnce(&Bucket) -> Option<T>) -> S3Result<Option<T>> {
        self.0.with(bucket, |it| Ok(read(it)))
    }
}

fn ok<T>(output: T) -> S3Result<S3Response<T>> {
    Ok(S3Response::new(output))
}

#[async_trait::async_trait]
impl S3 for Operations {
    async fn create_bucket(
        &self,
        request: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        ok(self.0.create(&request.input)?)
    }

    async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        self.0.with(&request.input.bucket, |_| Ok(()))?;
        ok(HeadBucketOutput {
            bucket_region: Some(self.0.region.clone()),
            ..HeadBucketOutput::default()
        })
    }

    async fn list_buckets(
        &self,
        _request: S3Request<ListBucketsInput>,
    ) -> S3Result<S3Response<ListBucketsOutput>> {
        ok(self.0.all())
    }

    async fn delete_bucket(
        &self,
        request: S3Request<DeleteBucketInput>,
    ) -> S3Result<S3Response<DeleteBucketOutput>> {
        self.0.delete_bucket(&request.input.bucket)?;
        ok(DeleteBucketOutput::default())
    }

    async fn get_bucket_location(
        &self,
        request: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        self.0.with(&request.input.bucket, |_| Ok(()))?;
        ok(self.0.location())
    }

    async fn put_bucket_encryption(
        &self,
        request: S3Request<PutBucketEncryptionInput>,
    ) -> S3Result<S3Response<PutBucketEncryptionOutput>> {
        let given = request.input.server_side_encryption_configuration;
        self.set(&request.input.bucket, |it| it.encryption = given)?;
        ok(PutBucketEncryptionOutput::default())
    }

    async fn get_bucket_encryption(
        &self,
        request: S3Request<GetBucketEncryptionInput>,
    ) -> S3Result<S3Response<GetBucketEncryptionOutput>> {
        let kept = self.of(&request.input.bucket, |it| Some(it.encryption.clone()))?;
        ok(GetBucketEncryptionOutput {
            server_side_encryption_configuration: kept,
        })
    }

    async fn put_public_access_block(
        &self,
        request: S3Request<PutPublicAccessBlockInput>,
    ) -> S3Result<S3Response<PutPublicAccessBlockOutput>> {
        let given = request.input.public_access_block_configuration;
        self.set(&request.input.bucket, |it| it.public_access = Some(given))?;
        ok(PutPublicAccessBlockOutput::default())
    }

    async fn get_public_access_block(
        &self,
        request: S3Request<GetPublicAccessBlockInput>,
    ) -> S3Result<S3Response<GetPublicAccessBlockOutput>> {
        let kept = self.of(&request.input.bucket, |it| it.public_access.clone())?;
        let kept = kept.ok_or_else(no_public_access_block)?;
        ok(GetPublicAccessBlockOutput {
            public_access_block_configuration: Some(kept),
        })
    }

    async fn delete_public_access_block(
        &self,
        request: S3Request<DeletePublicAccessBlockInput>,
    ) -> S3Result<S3Response<DeletePublicAccessBlockOutput>> {
        self.set(&request.input.bucket, |it| it.public_access = None)?;
        ok(DeletePublicAccessBlockOutput::default())
    }

    async fn put_bucket_policy(
        &self,
        request: S3Request<PutBucketPolicyInput>,
    ) -> S3Result<S3Response<PutBucketPolicyOutput>> {
        let given = request.input.policy;
        self.set(&request.input.bucket, |it| it.policy = Some(given))?;
        ok(PutBucketPolicyOutput::default())
    }

    async fn get_bucket_policy(
        &self,
        request: S3Request<GetBucketPolicyInput>,
    ) -> S3Result<S3Response<GetBucketPolicyOutput>> {
        let kept = self.of(&request.input.bucket, |it| it.policy.clone())?;
        let missing = || s3_error!(NoSuchBucketPolicy, "The bucket policy does not exist");
        ok(GetBucketPolicyOutput {
            policy: Some(kept.ok_or_else(missing)?),
        })
    }

    async fn delete_bucket_policy(
        &self,
        request: S3Request<DeleteBucketPolicyInput>,
    ) -> S3Result<S3Response<DeleteBucketPolicyOutput>> {
        self.set(&request.input.bucket, |it| it.policy = None)?;
        ok(DeleteBucketPolicyOutput::default())
    }

    async fn put_bucket_tagging(
        &self,
        request: S3Request<PutBucketTaggingInput>,
    ) -> S3Result<S3Response<PutBucketTaggingOutput>> {
        let given = request.input.tagging.tag_set;
        self.set(&request.input.bucket, |it| it.tags = Some(given))?;
        ok(PutBucketTaggingOutput::default())
    }

    async fn get_bucket_tagging(
        &self,
        request: S3Request<GetBucketTaggingInput>,
    ) -> S3Result<S3Response<GetBucketTaggingOutput>> {
        let kept = self.of(&request.input.bucket, |it| it.tags.clone())?;
        let missing = || s3_error!(NoSuchTagSet, "The TagSet does not exist");
        ok(GetBucketTaggingOutput {
            tag_set: kept.ok_or_else(missing)?,
        })
    }

    async fn put_bucket_versioning(
        &self,
        request: S3Request<PutBucketVersioningInput>,
    ) -> S3Result<S3Response<PutBucketVersioningOutput>> {
        let given = request.input.versioning_configuration.status;
        self.set(&request.input.bucket, |it| it.versioning = given)?;
        ok(PutBucketVersioningOutput::default())
    }

    async fn get_bucket_versioning(
        &self,
        request: S3Request<GetBucketVersioningInput>,
    ) -> S3Result<S3Response<GetBucketVersioningOutput>> {
        let status = self.of(&request.input.bucket, |it| it.versioning.clone())?;
        ok(GetBucketVersioningOutput {
            mfa_delete: None,
            status,
        })
    }

    async fn put_bucket_lifecycle_configuration(
        &self,
        request: S3Request<PutBucketLifecycleConfigurationInput>,
    ) -> S3Result<S3Response<PutBucketLifecycleConfigurationOutput>> {
        let given = request.input.lifecycle_configuration.map(|it| it.rules);
        self.set(&request.input.bucket, |it| it.lifecycle = given)?;
        ok(PutBucketLifecycleConfigurationOutput::default())
    }

    async fn get_bucket_lifecycle_configuration(
        &self,
        request: S3Request<GetBucketLifecycleConfigurationInput>,
    ) -> S3Result<S3Response<GetBucketLifecycleConfigurationOutput>> {
        let kept = self.of(&request.input.bucket, |it| it.lifecycle.clone())?;
        let missing = || {
            let message = "The lifecycle configuration does not exist";
            s3_error!(NoSuchLifecycleConfiguration, "{message}")
        };
        ok(GetBucketLifecycleConfigurationOutput {
            rules: Some(kept.ok_or_else(missing)?),
            ..GetBucketLifecycleConfigurationOutput::default()
        })
    }

    async fn put_object(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        ok(self.0.put_object(request.input).await?)
    }

    async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        ok(self.0.get_object(&request.input)?)
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        ok(self.0.head_object(&request.input)?)
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        ok(self.0.list(request.input)?)
    }

    async fn list_object_versions(
        &self,
        request: S3Request<ListObjectVersionsInput>,
    ) -> S3Result<S3Response<ListObjectVersionsOutput>> {
        ok(self.0.list_versions(request.input)?)
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        ok(self.0.delete_object(&request.input)?)
    }

    async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        ok(self.0.delete_objects(&request.input)?)
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        ok(self.0.begin_upload(request.input)?)
    }

    async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        ok(self.0.upload_part(request.input).await?)
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        ok(self.0.complete_upload(request.input)?)
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        ok(self.0.abort_upload(&request.input)?)
    }
}
