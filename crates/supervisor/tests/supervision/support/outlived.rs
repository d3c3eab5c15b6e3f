use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use standpipe_supervisor::{ChildSpec, Done, Scope};
use tokio::sync::oneshot;

use super::{recorded, run_out};

/// The scope of a child that has ended, as has its supervisor.
pub(crate) async fn outlived_scope() -> Scope {
    let (scope_out, scope_in) = oneshot::channel();
    let scope_out = Mutex::new(Some(scope_out));
    let (builder, _recorder) = recorded();
    let child = ChildSpec::new("relay", move |scope| {
        let scope_out = scope_out.lock().unwrap().take();
        async move {
            scope_out.map(|out| out.send(scope));
            Ok(Done::Finished)
        }
    });
    run_out(builder.child(child)).await;
    scope_in.await.unwrap()
}

pub(crate) struct SetWhenDropped(pub(crate) Arc<AtomicBool>);

impl Drop for SetWhenDropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
