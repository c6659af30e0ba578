//! Messages, both ways.

use crate::promises::{does_not_print, is_harmless, is_written_and_read, texts};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use tether_protocol::message::{ManagerAnswer, ManagerRequest, Outcome, ToCloud, ToLaptop};
use tether_protocol::reading;

pub(crate) fn to_cloud(bytes: &[u8]) {
    for text in texts(bytes) {
        match reading::to_cloud(Some(&text)) {
            Ok(message) => {
                if let ToCloud::Reply(reply) = &message {
                    let (Outcome::Completed { payload, .. } | Outcome::Failed { payload, .. }) =
                        &reply.outcome;
                    does_not_print(payload);
                }
                is_written_and_read(&message, text.len(), |it| reading::to_cloud(Some(it)).ok());
            }
            Err(reason) => is_harmless(&reason),
        }
    }
}

pub(crate) fn to_laptop(bytes: &[u8]) {
    for text in texts(bytes) {
        let message = reading::to_laptop(&text);
        if let ToLaptop::Invoke(invoke) = &message {
            does_not_print(&(&invoke.payload, &invoke.headers, &invoke.environment));
        }
        is_written_and_read(&message, text.len(), |it| Some(reading::to_laptop(it)));
    }
}

pub(crate) fn manager(bytes: &[u8]) {
    for text in texts(bytes) {
        check::<ManagerRequest>(&text);
        check::<ManagerAnswer>(&text);
    }
}

fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(text: &str) {
    if let Ok(value) = serde_json::from_str::<T>(text) {
        is_written_and_read(&value, text.len(), |it| serde_json::from_str(it).ok());
    }
}
