//! Who has something in the inbox: receivers knock, the inbox worker of this node listens.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use tokio::sync::Notify;

/// Connections that knocked since the worker last looked. Only a hint: the inbox itself is asked too.
#[derive(Debug, Default)]
pub struct Knocks {
    names: Mutex<HashSet<String>>,
    wake: Notify,
}

impl Knocks {
    /// A delivery of this connection waits.
    pub fn knock(&self, connection: &str) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        // Knocked and not yet heard: one is enough.
        if !names.contains(connection) {
            names.insert(connection.to_owned());
            drop(names);
            self.wake.notify_one();
        }
    }

    /// Waits for a knock and takes all there are.
    pub async fn heard(&self) -> HashSet<String> {
        loop {
            let names = std::mem::take(&mut *self.names.lock().unwrap_or_else(PoisonError::into_inner));
            if !names.is_empty() {
                return names;
            }
            self.wake.notified().await;
        }
    }
}
