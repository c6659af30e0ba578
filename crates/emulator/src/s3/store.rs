//! Buckets and objects, in memory.

use super::NoObject;
use super::uploads::Uploads;
use crate::cloud::Place;
use bytes::Bytes;
use s3s::dto::{
    BucketVersioningStatus, ETag, LifecycleRules, PublicAccessBlockConfiguration,
    ServerSideEncryptionConfiguration, TagSet, Timestamp,
};
use s3s::{S3Result, s3_error};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// See the module.
pub(super) struct Store {
    pub(super) region: String,
    buckets: Mutex<BTreeMap<String, Bucket>>,
}

/// A bucket.
pub(super) struct Bucket {
    pub(super) created: Timestamp,
    /// By key: its versions, the latest last.
    pub(super) objects: BTreeMap<String, Vec<Version>>,
    pub(super) uploads: Uploads,
    pub(super) versioning: Option<BucketVersioningStatus>,
    pub(super) encryption: ServerSideEncryptionConfiguration,
    pub(super) public_access: Option<PublicAccessBlockConfiguration>,
    pub(super) policy: Option<String>,
    pub(super) tags: Option<TagSet>,
    pub(super) lifecycle: Option<LifecycleRules>,
}

/// A version of an object, or the mark that it is deleted.
#[derive(Clone)]
pub(super) struct Version {
    /// `null` where versions are not kept.
    pub(super) id: String,
    pub(super) modified: Timestamp,
    /// None: a delete marker.
    pub(super) object: Option<Object>,
}

/// An object.
#[derive(Clone)]
pub(super) struct Object {
    pub(super) content: Bytes,
    pub(super) e_tag: ETag,
    pub(super) content_type: Option<String>,
    pub(super) metadata: Option<s3s::dto::Metadata>,
}

/// The version of what has no versions.
pub(super) const NULL: &str = "null";

pub(super) fn now() -> Timestamp {
    Timestamp::from(SystemTime::now())
}

impl Store {
    pub(super) fn new(place: &Place) -> Self {
        Self {
            region: place.region.clone(),
            buckets: Mutex::default(),
        }
    }

    pub(super) fn buckets(&self) -> MutexGuard<'_, BTreeMap<String, Bucket>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with a bucket.
    pub(super) fn with<T>(
        &self,
        bucket: &str,
        act: impl FnOnce(&mut Bucket) -> S3Result<T>,
    ) -> S3Result<T> {
        match self.buckets().get_mut(bucket) {
            Some(bucket) => act(bucket),
            None => Err(s3_error!(
                NoSuchBucket,
                "The specified bucket does not exist"
            )),
        }
    }

    /// The latest version of an object.
    pub(super) fn content(&self, bucket: &str, key: &str) -> Result<Bytes, NoObject> {
        let buckets = self.buckets();
        let bucket = buckets.get(bucket).ok_or(NoObject {
            code: "NoSuchBucket",
            message: "The specified bucket does not exist",
        })?;
        let object = bucket.latest(key).and_then(|it| it.object.as_ref());
        object.map(|it| it.content.clone()).ok_or(NoObject {
            code: "NoSuchKey",
            message: "The specified key does not exist.",
        })
    }
}

impl Bucket {
    pub(super) fn latest(&self, key: &str) -> Option<&Version> {
        self.objects.get(key)?.last()
    }

    fn keeps_versions(&self) -> bool {
        let enabled = BucketVersioningStatus::ENABLED;
        let status = self.versioning.as_ref();
        status.is_some_and(|it| it.as_str() == enabled)
    }

    /// Puts an object, or the mark that there is none any more. Its version's
    /// id, if versions are kept.
    pub(super) fn put(&mut self, key: &str, object: Option<Object>) -> Option<String> {
        let keeps = self.keeps_versions();
        let id = match keeps {
            true => crate::id::hex(&crate::id::random::<16>()),
            false => NULL.to_owned(),
        };
        let versions = self.objects.entry(key.to_owned()).or_default();
        versions.retain(|it| it.id != id);
        versions.push(Version {
            id: id.clone(),
            modified: now(),
            object,
        });
        keeps.then_some(id)
    }

    /// Deletes an object: for good, unless versions are kept. The id of the
    /// mark that stands for it.
    pub(super) fn delete(&mut self, key: &str) -> Option<String> {
        if self.versioning.is_some() {
            let id = self.put(key, None);
            return Some(id.unwrap_or_else(|| NULL.to_owned()));
        }
        self.objects.remove(key);
        None
    }

    /// Deletes one version for good. Whether it was a delete marker.
    pub(super) fn delete_version(&mut self, key: &str, id: &str) -> bool {
        let Some(versions) = self.objects.get_mut(key) else {
            return false;
        };
        let marker = versions.iter().any(|it| it.id == id && it.object.is_none());
        versions.retain(|it| it.id != id);
        if versions.is_empty() {
            self.objects.remove(key);
        }
        marker
    }
}
