//! A pull's place among those that work at the same time (`sync.workers`).
//!
//! Invariant: a place is held by who works. A pull whose source keeps it waiting leaves its place to
//! another and takes one again before it goes on, so that sources which are slow, silent or away slow
//! no other, however many they are.

use std::{
    collections::HashSet,
    future::Future,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// How long an answer may take before the place is left. Most answers come sooner.
const PATIENCE: Duration = Duration::from_secs(1);

/// See the module.
pub struct Place {
    places: Arc<Semaphore>,
    held: Mutex<Option<OwnedSemaphorePermit>>,
    /// Told when the place is left.
    free: Arc<Notify>,
}

impl Place {
    #[must_use]
    pub fn new(places: Arc<Semaphore>, held: OwnedSemaphorePermit, free: Arc<Notify>) -> Self {
        Self { places, held: Mutex::new(Some(held)), free }
    }

    /// Waits for a source's answer.
    pub async fn wait<T>(&self, answer: impl Future<Output = T>) -> T {
        let mut answer = pin!(answer);
        tokio::select! {
            biased;
            answer = &mut answer => return answer,
            () = tokio::time::sleep(PATIENCE) => {}
        }
        self.away(answer).await
    }

    /// Waits where it is known that it will take its time.
    pub async fn away<T>(&self, long: impl Future<Output = T>) -> T {
        self.hold(None);
        self.free.notify_one();
        let done = long.await;
        // Nobody closes it.
        self.hold(self.places.clone().acquire_owned().await.ok());
        done
    }

    fn hold(&self, permit: Option<OwnedSemaphorePermit>) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = permit;
    }
}

/// Connections that this process works on.
pub type Busy = Arc<Mutex<HashSet<String>>>;

/// Keeps a connection among the busy ones until it is dropped, also by a panic.
pub struct Working(Busy, String);

impl Working {
    #[must_use]
    pub fn on(busy: &Busy, id: &str) -> Self {
        busy.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned());
        Self(busy.clone(), id.to_owned())
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_long_makes_room_and_comes_back() {
        let (places, free) = (Arc::new(Semaphore::new(1)), Arc::new(Notify::new()));
        let held = places.clone().try_acquire_owned().expect("nobody else has it");
        let place = Place::new(places.clone(), held, free.clone());
        place.wait(async { assert_eq!(places.available_permits(), 0, "a usual answer") }).await;
        let long = async {
            free.notified().await;
            assert_eq!(places.available_permits(), 1, "while the answer does not come");
        };
        place.away(long).await;
        assert_eq!(places.available_permits(), 0, "it works again");
        drop(place);
        assert_eq!(places.available_permits(), 1);
    }
}
