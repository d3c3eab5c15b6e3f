use std::time::Duration;

use standpipe_oracle::seed;
use standpipe_simulator::SignatureSettings;
use tokio::time::{sleep, timeout};

use crate::rig::{PATIENCE, server};
use crate::signed::{Signed, daemon, directory};

const LABELERS: u64 = 200;
/// How long is measured. The processor time of a process is told in steps of ten milliseconds.
const MEASURED: Duration = Duration::from_secs(10);
/// How often at most.
const WINDOWS: u32 = 4;
/// How long an identity holds where nobody sets it.
const REFRESH: &str = "1h";

/// Labelers as an operator has them by default: named by their DIDs, and their signatures looked at.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i7_quiet_labelers_cost_next_to_nothing() {
    let seed = seed();
    let server = server().await;
    let directory = directory();
    let new = |nth| Signed::new(nth, seed, &server, &directory, 10, SignatureSettings::default());
    let mut labelers: Vec<Signed> = (0..LABELERS).map(new).collect();
    let rest = async |labelers: &mut [Signed]| {
        let dids: Vec<String> = labelers.iter().map(|labeler| labeler.did().to_owned()).collect();
        let mut daemon =
            daemon(dids, server.address(), &directory.url()).with("STANDPIPE_IDENTITY__REFRESH", REFRESH);
        daemon.start().unwrap();
        for labeler in labelers {
            timeout(PATIENCE, labeler.labeler.host().until_serving(0)).await.unwrap();
            labeler.is_read().await;
        }
        daemon.ready().await.unwrap();
        // Rest is what is left when the beginning is over: the quietest of some windows.
        let (mut cpu, mut resident_bytes) = (Duration::MAX, 0);
        for _ in 0..WINDOWS {
            let begun = daemon.usage().unwrap();
            sleep(MEASURED).await;
            let ended = daemon.usage().unwrap();
            cpu = cpu.min(ended.cpu.saturating_sub(begun.cpu));
            resident_bytes = ended.resident_bytes;
            if cpu < MEASURED / 100 {
                break;
            }
        }
        daemon.terminate().unwrap();
        daemon.ended(PATIENCE).await.unwrap();
        (cpu, resident_bytes)
    };
    let (_, of_one) = rest(&mut labelers[..1]).await;
    let (cpu, of_all) = rest(&mut labelers).await;
    let each = of_all.saturating_sub(of_one) / (LABELERS - 1);
    println!(
        "{LABELERS} at rest: {cpu:?} of {MEASURED:?}; {of_one} bytes with one, {of_all} with all, {each} each"
    );
    assert!(cpu < MEASURED / 100, "{cpu:?} of {MEASURED:?}");
    assert!(each < 256 << 10, "{each} bytes each");
}
