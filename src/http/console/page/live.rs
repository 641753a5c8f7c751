//! Server-sent events: "something here changed", nothing more. The page then asks for itself again,
//! so rights and language are decided in one place.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::response::sse::{Event, KeepAlive, Sse};
use futures::{Stream, stream};
use tokio::{sync::broadcast, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::app::{Change, SharedHub};

/// A stream ends after this time; the browser comes back and its session is checked again.
const LIFE: Duration = Duration::from_secs(600);
/// Changes that come together are told once.
const TOGETHER: Duration = Duration::from_millis(100);

struct Ear<F> {
    changes: broadcast::Receiver<Change>,
    refreshed: broadcast::Receiver<Arc<[String]>>,
    stop: CancellationToken,
    until: Instant,
    wanted: F,
}

/// Tells of changes that `wanted` picks. Refreshed figures of customers come as [`Change::Customer`].
pub fn changes<F>(hub: &SharedHub, wanted: F) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<F>>
where
    F: Fn(&Change) -> bool + Send + 'static,
{
    let ear = Ear {
        changes: hub.changes.subscribe(),
        refreshed: hub.refresher.subscribe(),
        stop: hub.edge.shutdown.clone(),
        until: Instant::now() + LIFE,
        wanted,
    };
    let events = stream::unfold(ear, |mut ear| async move { ear.next().await.map(|event| (Ok(event), ear)) });
    Sse::new(events).keep_alive(KeepAlive::default())
}

impl<F: Fn(&Change) -> bool> Ear<F> {
    async fn next(&mut self) -> Option<Event> {
        loop {
            let heard = tokio::select! {
                () = self.stop.cancelled() => return None,
                () = tokio::time::sleep_until(self.until) => return None,
                change = self.changes.recv() => match change {
                    Ok(change) => (self.wanted)(&change),
                    // Too much at once: something we wanted may have been in it.
                    Err(broadcast::error::RecvError::Lagged(_)) => true,
                    Err(broadcast::error::RecvError::Closed) => return None,
                },
                ids = self.refreshed.recv() => match ids {
                    Ok(ids) => ids.iter().any(|id| (self.wanted)(&Change::Customer(id.clone()))),
                    Err(broadcast::error::RecvError::Lagged(_)) => true,
                    Err(broadcast::error::RecvError::Closed) => return None,
                },
            };
            if heard {
                tokio::time::sleep(TOGETHER).await;
                self.changes = self.changes.resubscribe();
                self.refreshed = self.refreshed.resubscribe();
                return Some(Event::default().event("changed").data("1"));
            }
        }
    }
}
