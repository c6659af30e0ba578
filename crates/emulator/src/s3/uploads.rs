//! Objects that come in parts: what the AWS CLI and SDKs do from 8 MB on.

use super::objects::{e_tag, encryption, read};
use super::store::{Object, Store};
use bytes::{Bytes, BytesMut};
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CreateMultipartUploadInput, CreateMultipartUploadOutput, ETag,
    Metadata, UploadPartInput, UploadPartOutput,
};
use s3s::{S3Error, S3Result, s3_error};
use std::collections::{BTreeMap, HashMap};

/// Those of a bucket that are not complete, by id.
pub(super) type Uploads = HashMap<String, Upload>;

pub(super) struct Upload {
    key: String,
    content_type: Option<String>,
    metadata: Option<Metadata>,
    parts: BTreeMap<i32, (ETag, Bytes)>,
}

fn no_such_upload() -> S3Error {
    s3_error!(
        NoSuchUpload,
        "The specified upload does not exist. The upload ID may be invalid, or the upload may \
         have been aborted or completed."
    )
}

impl Store {
    pub(super) fn begin_upload(
        &self,
        input: CreateMultipartUploadInput,
    ) -> S3Result<CreateMultipartUploadOutput> {
        let id = crate::id::uuid();
        let upload = Upload {
            key: input.key.clone(),
            content_type: input.content_type,
            metadata: input.metadata,
            parts: BTreeMap::new(),
        };
        self.with(&input.bucket, |bucket| {
            bucket.uploads.insert(id.clone(), upload);
            Ok(())
        })?;
        Ok(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(id),
            server_side_encryption: encryption(),
            ..CreateMultipartUploadOutput::default()
        })
    }

    pub(super) async fn upload_part(&self, input: UploadPartInput) -> S3Result<UploadPartOutput> {
        let content = read(input.body).await?;
        let e_tag = e_tag(&content);
        self.with(&input.bucket, |bucket| {
            let upload = bucket.uploads.get_mut(&input.upload_id);
            let upload = upload.filter(|it| it.key == input.key);
            let upload = upload.ok_or_else(no_such_upload)?;
            let part = (e_tag.clone(), content);
            upload.parts.insert(input.part_number, part);
            Ok(())
        })?;
        Ok(UploadPartOutput {
            e_tag: Some(e_tag),
            server_side_encryption: encryption(),
            ..UploadPartOutput::default()
        })
    }

    pub(super) fn complete_upload(
        &self,
        input: CompleteMultipartUploadInput,
    ) -> S3Result<CompleteMultipartUploadOutput> {
        let wanted = input.multipart_upload.and_then(|it| it.parts);
        let wanted = wanted.unwrap_or_default();
        let (tag, version_id) = self.with(&input.bucket, |bucket| {
            let upload = bucket.uploads.get(&input.upload_id);
            let upload = upload.filter(|it| it.key == input.key);
            let upload = upload.ok_or_else(no_such_upload)?;
            let mut content = BytesMut::new();
            for part in &wanted {
                let number = part.part_number.unwrap_or_default();
                let found = upload.parts.get(&number);
                let found = found.filter(|(tag, _)| part.e_tag.as_ref() == Some(tag));
                let (_, bytes) = found.ok_or_else(no_such_part)?;
                content.extend_from_slice(bytes);
            }
            let content = content.freeze();
            let tag = ETag::Strong(format!("{}-{}", e_tag(&content).value(), wanted.len()));
            let object = Object {
                content,
                e_tag: tag.clone(),
                content_type: upload.content_type.clone(),
                metadata: upload.metadata.clone(),
            };
            bucket.uploads.remove(&input.upload_id);
            Ok((tag, bucket.put(&input.key, Some(object))))
        })?;
        Ok(CompleteMultipartUploadOutput {
            location: Some(format!("/{}/{}", input.bucket, input.key)),
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag: Some(tag),
            server_side_encryption: encryption(),
            version_id,
            ..CompleteMultipartUploadOutput::default()
        })
    }

    pub(super) fn abort_upload(
        &self,
        input: &AbortMultipartUploadInput,
    ) -> S3Result<AbortMultipartUploadOutput> {
        self.with(&input.bucket, |bucket| {
            let upload = bucket.uploads.remove(&input.upload_id);
            upload.map(|_| ()).ok_or_else(no_such_upload)
        })?;
        Ok(AbortMultipartUploadOutput::default())
    }
}

fn no_such_part() -> S3Error {
    s3_error!(
        InvalidPart,
        "One or more of the specified parts could not be found. The part may not have been \
         uploaded, or the specified entity tag may not match the part's entity tag."
    )
}
