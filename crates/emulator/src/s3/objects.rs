//! Objects: put, got, listed, deleted.

use super::store::{Bucket, Object, Store, Version};
use bytes::Bytes;
use futures_util::StreamExt as _;
use s3s::dto::{
    CommonPrefix, DeleteMarkerEntry, DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput,
    DeleteObjectsOutput, DeletedObject, ETag, GetObjectInput, GetObjectOutput, HeadObjectInput,
    HeadObjectOutput, ListObjectVersionsInput, ListObjectVersionsOutput, ListObjectsV2Input,
    ListObjectsV2Output, ObjectStorageClass, ObjectVersion, ObjectVersionStorageClass,
    PutObjectInput, PutObjectOutput, ServerSideEncryption, StreamingBlob,
};
use s3s::{Body, S3Result, s3_error};

/// Keys in one page.
const PAGE: i32 = 1000;

/// Reads what is sent.
pub(super) async fn read(body: Option<StreamingBlob>) -> S3Result<Bytes> {
    let mut content = bytes::BytesMut::new();
    let Some(mut body) = body else {
        return Ok(content.freeze());
    };
    while let Some(part) = body.next().await {
        let part = part.map_err(|_| s3_error!(IncompleteBody))?;
        content.extend_from_slice(&part);
    }
    Ok(content.freeze())
}

/// What stands for the content: nobody compares it with an MD5 here.
pub(super) fn e_tag(content: &[u8]) -> ETag {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(content);
    let digest: Vec<u8> = digest.iter().take(16).copied().collect();
    ETag::Strong(crate::id::hex(&digest))
}

/// How everything is encrypted that does not say so itself
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html>).
pub(super) fn encryption() -> Option<ServerSideEncryption> {
    Some(ServerSideEncryption::from_static(
        ServerSideEncryption::AES256,
    ))
}

fn length(bytes: &Bytes) -> i64 {
    i64::try_from(bytes.len()).unwrap_or(i64::MAX)
}

impl Store {
    pub(super) async fn put_object(&self, input: PutObjectInput) -> S3Result<PutObjectOutput> {
        // A bucket that is not there is said before the body is read.
        self.with(&input.bucket, |_| Ok(()))?;
        let content = read(input.body).await?;
        let e_tag = e_tag(&content);
        let object = Object {
            content,
            e_tag: e_tag.clone(),
            content_type: input.content_type,
            metadata: input.metadata,
        };
        let only_new = input.if_none_match.is_some();
        let version_id = self.with(&input.bucket, |bucket| {
            if only_new && bucket.object(&input.key, None).is_ok() {
                return Err(s3_error!(PreconditionFailed));
            }
            Ok(bucket.put(&input.key, Some(object)))
        })?;
        Ok(PutObjectOutput {
            e_tag: Some(e_tag),
            server_side_encryption: encryption(),
            version_id,
            ..PutObjectOutput::default()
        })
    }

    pub(super) fn get_object(&self, input: &GetObjectInput) -> S3Result<GetObjectOutput> {
        let (version, object) = self.with(&input.bucket, |bucket| {
            bucket.object(&input.key, input.version_id.as_deref())
        })?;
        let whole = object.content.len() as u64;
        let range = input.range.map(|it| it.check(whole)).transpose()?;
        let content = match &range {
            None => object.content.clone(),
            Some(range) => {
                let index = |it: u64| usize::try_from(it).unwrap_or(usize::MAX);
                object.content.slice(index(range.start)..index(range.end))
            }
        };
        Ok(GetObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: Some(length(&content)),
            content_range: range
                .map(|it| format!("bytes {}-{}/{whole}", it.start, it.end.saturating_sub(1))),
            body: Some(StreamingBlob::from(Body::from(content))),
            content_type: object.content_type,
            e_tag: Some(object.e_tag),
            version_id: version.shown_id(),
            last_modified: Some(version.modified),
            metadata: object.metadata,
            server_side_encryption: encryption(),
            ..GetObjectOutput::default()
        })
    }

    pub(super) fn head_object(&self, input: &HeadObjectInput) -> S3Result<HeadObjectOutput> {
        let (version, object) = self.with(&input.bucket, |bucket| {
            bucket.object(&input.key, input.version_id.as_deref())
        })?;
        Ok(HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: Some(length(&object.content)),
            content_type: object.content_type,
            e_tag: Some(object.e_tag),
            version_id: version.shown_id(),
            last_modified: Some(version.modified),
            metadata: object.metadata,
            server_side_encryption: encryption(),
            ..HeadObjectOutput::default()
        })
    }

    pub(super) fn delete_object(&self, input: &DeleteObjectInput) -> S3Result<DeleteObjectOutput> {
        let deleted = self.with(&input.bucket, |bucket| {
            Ok(bucket.remove(&input.key, input.version_id.as_deref()))
        })?;
        Ok(DeleteObjectOutput {
            delete_marker: deleted.delete_marker,
            version_id: deleted.version_id.or(deleted.delete_marker_version_id),
            ..DeleteObjectOutput::default()
        })
    }

    pub(super) fn delete_objects(
        &self,
        input: &DeleteObjectsInput,
    ) -> S3Result<DeleteObjectsOutput> {
        let wanted = &input.delete.objects;
        let deleted: Vec<DeletedObject> = self.with(&input.bucket, |bucket| {
            let each = wanted
                .iter()
                .map(|it| bucket.remove(&it.key, it.version_id.as_deref()));
            Ok(each.collect())
        })?;
        let quiet = input.delete.quiet == Some(true);
        Ok(DeleteObjectsOutput {
            deleted: (!quiet).then_some(deleted),
            ..DeleteObjectsOutput::default()
        })
    }

    pub(super) fn list(&self, input: ListObjectsV2Input) -> S3Result<ListObjectsV2Output> {
        let prefix = input.prefix.as_deref().unwrap_or_default();
        let after = input.continuation_token.as_deref();
        let after = after.or(input.start_after.as_deref()).unwrap_or_default();
        let most = input.max_keys.unwrap_or(PAGE).clamp(0, PAGE);
        let mut page = Page::new(prefix, input.delimiter.as_deref(), most);
        self.with(&input.bucket, |bucket| {
            for (key, version) in bucket.current() {
                if key.as_str() > after && !page.take(key, version) {
                    break;
                }
            }
            Ok(())
        })?;
        Ok(ListObjectsV2Output {
            key_count: i32::try_from(page.objects.len() + page.prefixes.len()).ok(),
            is_truncated: Some(page.full),
            next_continuation_token: page.full.then_some(page.last),
            contents: Some(page.objects),
            common_prefixes: Some(page.prefixes),
            max_keys: Some(most),
            name: Some(input.bucket),
            prefix: Some(input.prefix.unwrap_or_default()),
            delimiter: input.delimiter,
            continuation_token: input.continuation_token,
            start_after: input.start_after,
            ..ListObjectsV2Output::default()
        })
    }

    /// All of them in one page: buckets here are small.
    pub(super) fn list_versions(
        &self,
        input: ListObjectVersionsInput,
    ) -> S3Result<ListObjectVersionsOutput> {
        let prefix = input.prefix.as_deref().unwrap_or_default();
        let (mut versions, mut markers) = (Vec::new(), Vec::new());
        self.with(&input.bucket, |bucket| {
            let keys = bucket.objects.iter();
            for (key, all) in keys.filter(|(key, _)| key.starts_with(prefix)) {
                for (index, version) in all.iter().rev().enumerate() {
                    match &version.object {
                        Some(object) => versions.push(listed(key, version, object, index == 0)),
                        None => markers.push(DeleteMarkerEntry {
                            is_latest: Some(index == 0),
                            key: Some(key.clone()),
                            last_modified: Some(version.modified.clone()),
                            owner: None,
                            version_id: Some(version.id.clone()),
                        }),
                    }
                }
            }
            Ok(())
        })?;
        Ok(ListObjectVersionsOutput {
            versions: Some(versions),
            delete_markers: Some(markers),
            is_truncated: Some(false),
            max_keys: input.max_keys.or(Some(PAGE)),
            name: Some(input.bucket),
            prefix: Some(input.prefix.unwrap_or_default()),
            ..ListObjectVersionsOutput::default()
        })
    }
}

fn listed(key: &str, version: &Version, object: &Object, latest: bool) -> ObjectVersion {
    let class = ObjectVersionStorageClass::STANDARD;
    ObjectVersion {
        e_tag: Some(object.e_tag.clone()),
        is_latest: Some(latest),
        key: Some(key.to_owned()),
        last_modified: Some(version.modified.clone()),
        size: Some(length(&object.content)),
        storage_class: Some(ObjectVersionStorageClass::from_static(class)),
        version_id: Some(version.id.clone()),
        ..ObjectVersion::default()
    }
}

impl Version {
    fn shown_id(&self) -> Option<String> {
        (self.id != super::store::NULL).then(|| self.id.clone())
    }
}

impl Bucket {
    /// The latest version of an object, or the one that is meant.
    fn object(&self, key: &str, version: Option<&str>) -> S3Result<(Version, Object)> {
        let found = match version {
            None => self.latest(key),
            Some(id) => {
                let mut all = self.objects.get(key).into_iter().flatten();
                let found = all.rfind(|it| it.id == id);
                Some(found.ok_or_else(|| {
                    s3_error!(NoSuchVersion, "The specified version does not exist.")
                })?)
            }
        };
        let object = found.and_then(|it| Some((it.clone(), it.object.clone()?)));
        object.ok_or_else(|| s3_error!(NoSuchKey, "The specified key does not exist."))
    }

    fn remove(&mut self, key: &str, version: Option<&str>) -> DeletedObject {
        let mut deleted = DeletedObject {
            key: Some(key.to_owned()),
            ..DeletedObject::default()
        };
        match version {
            Some(id) => {
                let marker = self.delete_version(key, id);
                deleted.delete_marker = marker.then_some(true);
                deleted.version_id = Some(id.to_owned());
            }
            None => {
                let marker = self.delete(key);
                deleted.delete_marker = marker.is_some().then_some(true);
                deleted.delete_marker_version_id = marker;
            }
        }
        deleted
    }

    /// Objects that are there now.
    fn current(&self) -> impl Iterator<Item = (&String, (&Version, &Object))> {
        self.objects.iter().filter_map(|(key, versions)| {
            let latest = versions.last()?;
            Some((key, (latest, latest.object.as_ref()?)))
        })
    }
}

/// A page of a listing.
struct Page<'a> {
    prefix: &'a str,
    delimiter: Option<&'a str>,
    most: i32,
    objects: Vec<s3s::dto::Object>,
    prefixes: Vec<CommonPrefix>,
    /// The key that was taken last.
    last: String,
    full: bool,
}

impl<'a> Page<'a> {
    fn new(prefix: &'a str, delimiter: Option<&'a str>, most: i32) -> Self {
        Self {
            prefix,
            delimiter: delimiter.filter(|it| !it.is_empty()),
            most,
            objects: Vec::new(),
            prefixes: Vec::new(),
            last: String::new(),
            full: false,
        }
    }

    /// Takes a key, if it belongs here. Whether there is room for another one.
    fn take(&mut self, key: &str, (version, object): (&Version, &Object)) -> bool {
        let Some(rest) = key.strip_prefix(self.prefix) else {
            return true;
        };
        let common = self.delimiter.and_then(|it| {
            let (until, _) = rest.split_once(it)?;
            Some(format!("{}{until}{it}", self.prefix))
        });
        if common.is_some() && self.prefixes.last().map(|it| &it.prefix) == Some(&common) {
            key.clone_into(&mut self.last);
            return true;
        }
        let taken = self.objects.len() + self.prefixes.len();
        if i32::try_from(taken).is_ok_and(|it| it >= self.most) {
            self.full = true;
            return false;
        }
        key.clone_into(&mut self.last);
        match common {
            Some(prefix) => self.prefixes.push(CommonPrefix {
                prefix: Some(prefix),
            }),
            None => self.objects.push(s3s::dto::Object {
                e_tag: Some(object.e_tag.clone()),
                key: Some(key.to_owned()),
                last_modified: Some(version.modified.clone()),
                size: Some(length(&object.content)),
                storage_class: Some(ObjectStorageClass::from_static(
                    ObjectStorageClass::STANDARD,
                )),
                ..s3s::dto::Object::default()
            }),
        }
        true
    }
}
