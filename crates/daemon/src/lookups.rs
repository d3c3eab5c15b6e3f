/// Who looks identities up, as far as metrics show it and the next process is told.
pub trait Lookups: Send + Sync + 'static {
    /// How many lookups there were since the beginning, by what came of them: stable words.
    fn outcomes(&self) -> Vec<(&'static str, u64)>;

    /// How many identities are remembered.
    fn remembered(&self) -> u64;

    /// What is remembered, for the next process: a few megabytes at most. Called where blocking is no harm.
    fn keepsakes(&self) -> Vec<u8>;

    /// Recalls what an earlier process remembered. What cannot be read is left out.
    fn recall(&self, keepsakes: &[u8]);
}
