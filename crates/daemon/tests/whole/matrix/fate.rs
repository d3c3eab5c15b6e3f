use std::future::pending;

use standpipe_supervisor::{ChildResult, Done, Scope, Trouble};
use tokio::sync::watch;

use crate::scripted::Life;

/// What befalls a child from outside of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Nothing: it ends as its ingestion does.
    ItsOwn,
    /// It stays when its ingestion has ended, until it is told otherwise or stopped. That makes a hold last, which
    /// for an ingestion is only the last moment of a life.
    Lingers,
    Finished,
    Lost,
    Failed,
    Panics,
    /// A task that it spawned panics.
    PanicsInTask,
    /// It does not stop when it is told to.
    Defies,
}

/// Lives the life until it ends by itself or by fate.
pub(crate) async fn lived(life: Life, fate: watch::Receiver<Fate>, scope: Scope) -> ChildResult {
    let lingering = linger(life, fate.clone(), &scope);
    let struck = tokio::select! {
        biased;
        struck = strike(fate, &scope) => struck,
        ended = lingering => Some(ended),
    };
    match struck {
        Some(ended) => ended,
        None => pending().await,
    }
}

async fn linger(life: Life, mut fate: watch::Receiver<Fate>, scope: &Scope) -> ChildResult {
    let ended = life.await;
    tokio::select! {
        biased;
        told = fate.wait_for(|fate| *fate != Fate::Lingers) => {
            told.unwrap();
            ended
        }
        () = scope.stopped() => Ok(Done::Stopped),
    }
}

/// Completes when the child shall do something else than it does; without a result, when it shall do nothing any more.
async fn strike(mut fate: watch::Receiver<Fate>, scope: &Scope) -> Option<ChildResult> {
    loop {
        let struck = *fate.borrow_and_update();
        match struck {
            Fate::ItsOwn | Fate::Lingers => {}
            Fate::Finished => return Some(Ok(Done::Finished)),
            Fate::Lost => return Some(Err(Trouble::lost("scripted loss"))),
            Fate::Failed => return Some(Err(Trouble::failed("scripted failure"))),
            Fate::Panics => panic!("scripted panic in the child"),
            Fate::PanicsInTask => scope.spawn("driver", async { panic!("scripted panic in a task") }),
            Fate::Defies => return None,
        }
        fate.changed().await.unwrap();
    }
}
