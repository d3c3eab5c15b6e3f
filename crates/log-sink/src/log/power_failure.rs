//! The transaction of a batch on a disk that loses power at any moment: what was not synced is kept, lost or torn.

use std::num::NonZeroU64;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard};

use fastrand::Rng;
use redb::{BackendError, ReadableDatabase, ReadableTable, StorageBackend};
use standpipe_cursor::CursorKey;

use super::append::{Append, Appended};
use super::readers::Readers;
use super::store::{Opened, Store, identified};
use super::{Shared, Unread, builder, take_over};
use crate::tables::{CURSORS, StreamState, entries, entries_of};
use crate::{LogSettings, Retention, StateFolder};

const SECTOR: usize = 512;
const ENTRIES: u64 = 12;
/// What an entry of 200 bytes counts.
const WEIGHT: u64 = 241;
/// About twenty batches.
const KEPT: u64 = 20 * ENTRIES * WEIGHT;

#[derive(Clone, Debug)]
struct Disk(Arc<Mutex<Platters>>);

#[derive(Debug)]
struct Platters {
    random: Rng,
    /// What a reader of this process sees.
    cached: Vec<u8>,
    /// What survives for certain.
    durable: Vec<u8>,
    /// Writes since the last sync.
    unsynced: Vec<(usize, Vec<u8>)>,
    /// Writes and syncs until the power fails.
    left: u32,
    /// What is found after the power failed.
    found: Option<Vec<u8>>,
}

impl Disk {
    fn new(content: Vec<u8>, random: &mut Rng) -> Self {
        Self(Arc::new(Mutex::new(Platters {
            random: random.fork(),
            cached: content.clone(),
            durable: content,
            unsynced: Vec::new(),
            left: random.u32(1..400),
            found: None,
        })))
    }

    fn platters(&self) -> MutexGuard<'_, Platters> {
        self.0.lock().unwrap()
    }

    fn found(&self) -> Option<Vec<u8>> {
        self.platters().found.clone()
    }
}

impl Platters {
    fn step(&mut self) {
        self.left = self.left.saturating_sub(1);
        if self.left > 0 || self.found.is_some() {
            return;
        }
        let mut found = self.durable.clone();
        found.resize(found.len().max(self.cached.len()), 0);
        for (offset, bytes) in &self.unsynced {
            let kept = match self.random.u8(0..4) {
                0 => 0,
                1 => self.random.usize(0..=bytes.len() / SECTOR) * SECTOR,
                _ => bytes.len(),
            };
            found[*offset..offset + kept].copy_from_slice(&bytes[..kept]);
        }
        self.found = Some(found);
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> std::io::Result<u64> {
        Ok(self.platters().cached.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        let offset = usize::try_from(offset).unwrap();
        out.copy_from_slice(&self.platters().cached[offset..offset + out.len()]);
        Ok(())
    }

    fn set_len(&self, len: u64) -> std::io::Result<()> {
        let mut platters = self.platters();
        let len = usize::try_from(len).unwrap();
        platters.cached.resize(len, 0);
        platters.durable.resize(len, 0);
        platters.unsynced.retain(|(offset, bytes)| offset + bytes.len() <= len);
        Ok(())
    }

    fn sync_data(&self) -> std::io::Result<()> {
        let mut platters = self.platters();
        platters.step();
        platters.durable = platters.cached.clone();
        platters.unsynced.clear();
        Ok(())
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> std::io::Result<()> {
        let offset = usize::try_from(offset).unwrap();
        let mut platters = self.platters();
        platters.cached[offset..offset + bytes.len()].copy_from_slice(bytes);
        platters.unsynced.push((offset, bytes.to_vec()));
        platters.step();
        Ok(())
    }

    fn try_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, BackendError> {
        Ok(true)
    }

    fn try_lock_shared_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, BackendError> {
        Ok(true)
    }

    fn lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }

    fn lock_shared_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }

    fn unlock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }

    fn query_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, BackendError> {
        Ok(false)
    }
}

fn open(disk: &Disk) -> Opened {
    identified(builder(1 << 20).create_with_backend(disk.clone()).unwrap()).unwrap()
}

fn entry(batch: u64, n: u64) -> Vec<u8> {
    format!("{batch:0100}.{n:099}").into_bytes()
}

/// The batches that the log holds by its cursor, after checking that its entries say the same.
fn check(opened: &Opened, key: &CursorKey) -> u64 {
    let transaction = opened.database.begin_read().unwrap();
    let state = StreamState::read(&transaction, key.stream()).unwrap();
    let stored = transaction.open_table(CURSORS).unwrap().get(key.to_string().as_str()).unwrap();
    let through = stored.map_or(0, |text| str::from_utf8(text.value()).unwrap().parse::<u64>().unwrap());
    assert_eq!(state.next - 1, through * ENTRIES, "the entries end where the cursor says");
    if through == 0 {
        return 0;
    }
    let name = entries_of(key.stream());
    let table = transaction.open_table(entries(&name)).unwrap();
    let mut index = state.first;
    for found in table.iter().unwrap() {
        let (found_index, payload) = found.unwrap();
        assert_eq!(found_index.value(), index);
        assert_eq!(payload.value(), entry((index - 1) / ENTRIES + 1, (index - 1) % ENTRIES));
        index += 1;
    }
    assert_eq!(index, state.next);
    assert_eq!(state.bytes, state.len() * WEIGHT);
    through
}

#[test]
fn i1_i4_a_power_failure_leaves_every_answered_batch_and_none_in_part() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = Rng::with_seed(seed);
    let folder = tempfile::tempdir().unwrap();
    let state = StateFolder::new(folder.path());
    let shared = Shared {
        store: Store::new(&LogSettings::new(state.clone())),
        retention: Retention::Keep { bytes: NonZeroU64::new(KEPT).unwrap() },
        readers: Readers::new(state),
        unread: Unread::default(),
    };
    let key = CursorKey::new("firehose_live", &"relay.test".parse().unwrap());
    let mut image = Vec::new();
    let mut answered = 0;
    let mut half_way = 0;
    for _ in 0..200 {
        let disk = Disk::new(image, &mut random);
        let opened = open(&disk);
        if disk.found().is_none() {
            let through = check(&opened, &key);
            assert!(through == answered || through == answered + 1, "{through} are there of {answered}");
            half_way += u32::from(through > answered);
            answered = through;
        }
        image = loop {
            if let Some(found) = disk.found() {
                break found;
            }
            let (epoch, _) = take_over(&opened, &key.to_string()).unwrap();
            let batch = answered + 1;
            let from = (answered > 0).then(|| answered.to_string());
            let entries = (0..ENTRIES).map(|n| entry(batch, n).into()).collect();
            let append = Append::of(key.clone(), epoch, from, batch.to_string(), entries);
            assert!(matches!(append.run(&shared, &opened).unwrap(), Appended::Applied { .. }));
            if disk.found().is_none() {
                answered = batch;
            }
        };
    }
    println!(
        "{answered} batches over 200 power failures, {half_way} of them durable before they were answered"
    );
}
