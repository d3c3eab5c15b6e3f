use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What the machine says of a process from outside: which boot this is, and what the kernel has killed for memory.
///
/// The folders can be others than the system's, which steers tests.
#[derive(Debug, Clone)]
pub struct Surroundings {
    proc: PathBuf,
    cgroups: PathBuf,
}

/// What a control group says of memory. What cannot be found is unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    /// The group's folder.
    pub(crate) group: Option<String>,
    /// What tells the group from one of the same name that was made before or after it.
    pub(crate) group_id: Option<u64>,
    /// How often the kernel killed a process in it, since it was made.
    pub(crate) oom_kills: Option<u64>,
    /// How often the kernel killed a process for memory on the whole machine, in whatever group, since it booted.
    pub(crate) machine_oom_kills: Option<u64>,
    pub(crate) used_bytes: Option<u64>,
    /// `None` where there is no limit, too.
    pub(crate) limit_bytes: Option<u64>,
}

/// A limit of version 1 that is as good as none.
const NO_LIMIT: u64 = 1 << 60;

impl Default for Surroundings {
    /// Those of this process: `/proc` and `/sys/fs/cgroup`.
    fn default() -> Self {
        Self::at("/proc", "/sys/fs/cgroup")
    }
}

impl Surroundings {
    /// Those that these folders tell of, in place of `/proc` and `/sys/fs/cgroup`.
    #[must_use]
    pub fn at(proc: impl Into<PathBuf>, cgroups: impl Into<PathBuf>) -> Self {
        Self { proc: proc.into(), cgroups: cgroups.into() }
    }

    /// A name that another start of the machine does not have.
    pub(crate) fn boot_id(&self) -> Option<String> {
        read(&self.proc.join("sys/kernel/random/boot_id"))
    }

    pub(crate) fn memory(&self) -> Memory {
        let machine_oom_kills = counted(&self.proc.join("vmstat"));
        Memory { machine_oom_kills, ..self.memory_of_group() }
    }

    fn memory_of_group(&self) -> Memory {
        let groups = read(&self.proc.join("self/cgroup")).unwrap_or_default();
        let path_of = |wanted: &dyn Fn(&str) -> bool| {
            groups.lines().find_map(|line| {
                let (_, rest) = line.split_once(':')?;
                let (controllers, path) = rest.split_once(':')?;
                wanted(controllers).then(|| path.trim_start_matches('/'))
            })
        };
        let version_1 = path_of(&|controllers| controllers.split(',').any(|name| name == "memory"));
        if let Some(path) = version_1 {
            return find(&self.cgroups.join("memory"), path, "memory.oom_control")
                .map(|folder| Memory {
                    oom_kills: counted(&folder.join("memory.oom_control")),
                    used_bytes: number(&folder.join("memory.usage_in_bytes")),
                    limit_bytes: number(&folder.join("memory.limit_in_bytes"))
                        .filter(|&limit| limit < NO_LIMIT),
                    ..Memory::of(&folder)
                })
                .unwrap_or_default();
        }
        let path = path_of(&str::is_empty).unwrap_or_default();
        find(&self.cgroups, path, "memory.events")
            .map(|folder| Memory {
                oom_kills: counted(&folder.join("memory.events")),
                used_bytes: number(&folder.join("memory.current")),
                limit_bytes: number(&folder.join("memory.max")),
                ..Memory::of(&folder)
            })
            .unwrap_or_default()
    }
}

/// The group itself, or the nearest above it whose memory is accounted for. In a container the path may be the
/// host's, while the root is the container's own: then the root it is.
fn find(root: &Path, path: &str, file: &str) -> Option<PathBuf> {
    let own = root.join(path);
    own.ancestors()
        .take_while(|folder| folder.starts_with(root))
        .find(|folder| folder.join(file).is_file())
        .map(Path::to_owned)
}

impl Memory {
    fn of(folder: &Path) -> Self {
        let group_id = fs::metadata(folder).ok().map(|metadata| metadata.ino());
        Self { group: Some(folder.display().to_string()), group_id, ..Self::default() }
    }
}

/// Both versions have a line `oom_kill N`, and so has the machine's.
fn counted(file: &Path) -> Option<u64> {
    let text = read(file)?;
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

fn number(file: &Path) -> Option<u64> {
    read(file)?.parse().ok()
}

fn read(file: &Path) -> Option<String> {
    fs::read_to_string(file).ok().map(|text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    struct Machine(TempDir);

    impl Machine {
        fn new(groups: &str) -> Self {
            let machine = Self(tempfile::tempdir().unwrap());
            machine.write("proc/self/cgroup", groups);
            machine
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.0.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn surroundings(&self) -> Surroundings {
            Surroundings::at(self.0.path().join("proc"), self.0.path().join("cgroup"))
        }

        fn memory(&self) -> (Option<u64>, Option<u64>, Option<u64>) {
            let memory = self.surroundings().memory();
            (memory.oom_kills, memory.used_bytes, memory.limit_bytes)
        }
    }

    #[test]
    fn version_2_tells_of_the_own_group() {
        let machine = Machine::new("0::/system.slice/firehose.service\n");
        let group = "cgroup/system.slice/firehose.service";
        machine.write(
            &format!("{group}/memory.events"),
            "low 0\nhigh 3\nmax 9\noom 2\noom_kill 2\noom_group_kill 0\n",
        );
        machine.write(&format!("{group}/memory.current"), "1000\n");
        machine.write(&format!("{group}/memory.max"), "2000\n");
        assert_eq!(machine.memory(), (Some(2), Some(1_000), Some(2_000)));
        machine.write(&format!("{group}/memory.max"), "max\n");
        assert_eq!(machine.memory(), (Some(2), Some(1_000), None));
    }

    #[test]
    fn a_group_that_is_not_accounted_for_counts_as_the_nearest_above_it() {
        let machine = Machine::new("0::/a/b/c\n");
        machine.write("cgroup/a/memory.events", "oom_kill 4\n");
        assert_eq!(machine.memory(), (Some(4), None, None));
    }

    #[test]
    fn in_a_container_the_root_is_the_own_group() {
        let machine = Machine::new("0::/docker/0123\n");
        machine.write("cgroup/memory.events", "oom_kill 1\n");
        assert_eq!(machine.memory().0, Some(1));
    }

    #[test]
    fn version_1_tells_under_other_names() {
        let machine = Machine::new("9:name=systemd:/\n4:cpu,memory:/pod/x\n0::/\n");
        let group = "cgroup/memory/pod/x";
        machine
            .write(&format!("{group}/memory.oom_control"), "oom_kill_disable 0\nunder_oom 0\noom_kill 7\n");
        machine.write(&format!("{group}/memory.usage_in_bytes"), "5\n");
        machine.write(&format!("{group}/memory.limit_in_bytes"), "9223372036854771712\n");
        assert_eq!(machine.memory(), (Some(7), Some(5), None));
    }

    #[test]
    fn where_nothing_is_found_everything_is_unknown() {
        let nowhere = Surroundings::at("/nonexistent", "/nonexistent");
        assert_eq!(nowhere.memory(), Memory::default());
        assert_eq!(nowhere.boot_id(), None);
        let machine = Machine::new("0::/\n");
        assert_eq!(machine.memory(), (None, None, None));
    }

    #[test]
    fn this_machine_has_a_boot() {
        assert!(Surroundings::default().boot_id().is_some_and(|boot| boot.len() == 36));
    }
}
