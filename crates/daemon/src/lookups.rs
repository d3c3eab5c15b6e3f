/// Who looks identities up, as far as metrics show it.
pub trait Lookups: Send + Sync + 'static {
    /// How many lookups there were since the beginning, by what came of them: stable words.
    fn outcomes(&self) -> Vec<(&'static str, u64)>;

    /// How many identities are remembered.
    fn remembered(&self) -> u64;
}
