use standpipe_supervisor::{ChildSpec, Done, Handle, Phase, State, Trouble, Verdict};
use tokio::time::sleep;

use crate::support::{Act, MINUTE, SECOND, recorded, scripted};

fn phase(handle: &Handle) -> Phase {
    handle.status().children[0].phase
}

#[tokio::test(start_paused = true)]
async fn a_status_follows_a_child_through_its_life() {
    let (builder, _recorder) = recorded();
    let child = ChildSpec::new("relay", |scope| async move {
        scope.set_state(State::Connecting);
        sleep(2 * SECOND).await;
        scope.set_state(State::Streaming);
        sleep(2 * SECOND).await;
        scope.set_state(State::Full);
        scope.saw(Some(5), None);
        scope.progressed(2, 20);
        sleep(2 * SECOND).await;
        scope.set_state(State::Parked);
        sleep(2 * SECOND).await;
        if scope.incarnation() == 2 {
            return Ok(Done::Finished);
        }
        Err(Trouble::lost_for("full for too long", MINUTE))
    });
    let supervisor = builder.child(child.host("bsky.network")).child(scripted("stays", [Act::Serve]));
    let supervisor = supervisor.build().unwrap();
    let handle = supervisor.handle();
    assert_eq!(phase(&handle), Phase::NotStarted);

    let seen = handle.clone();
    let watch = async move {
        let running = |state: State, running_for, state_for, connected_for| Phase::Running {
            state,
            waiting_for: state.waits_for(),
            running_for: running_for * SECOND,
            state_for: state_for * SECOND,
            connected_for: Option::map(connected_for, |seconds: u32| seconds * SECOND),
        };
        sleep(SECOND).await;
        assert_eq!(phase(&seen), running(State::Connecting, 1, 1, None));
        sleep(2 * SECOND).await;
        assert_eq!(phase(&seen), running(State::Streaming, 3, 1, Some(1)));
        sleep(2 * SECOND).await;
        assert_eq!(phase(&seen), running(State::Full, 5, 1, Some(3)));
        sleep(2 * SECOND).await;
        assert_eq!(phase(&seen), running(State::Parked, 7, 1, None));
        sleep(21 * SECOND).await;
        assert_eq!(phase(&seen), Phase::BackingOff { restart_in: 40 * SECOND });
        let child = &seen.status().children[0];
        assert_eq!((child.incarnation, child.restarts, child.last_seq), (1, 0, Some(5)));
        assert_eq!((child.events, child.bytes), (2, 20));
        assert_eq!(child.host.as_deref(), Some("bsky.network"));
        assert_eq!(child.last_exit.as_ref().unwrap().ending.kind(), "lost");
        sleep(41 * SECOND).await;
        assert_eq!(phase(&seen), running(State::Connecting, 1, 1, None));
        let child = &seen.status().children[0];
        assert_eq!((child.incarnation, child.restarts, child.last_seq), (2, 1, Some(5)));
        assert_eq!((child.events, child.bytes), (2, 20), "counts never fall");
        sleep(MINUTE).await;
        assert_eq!(phase(&seen), Phase::Ended { verdict: Verdict::Finished });
    };
    supervisor.run(watch).await;
    let names: Vec<_> = handle.status().children.iter().map(|child| child.child.to_string()).collect();
    assert_eq!(names, ["relay", "stays"], "in the order in which they were added");
    assert_eq!(handle.status().children[0].events, 4);
}
