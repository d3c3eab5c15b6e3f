//! Directories of DID documents, and labelers that change keys and hosts, as clients see them over real sockets.

#[cfg(test)]
mod client;
#[cfg(test)]
mod directory;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod moving;
