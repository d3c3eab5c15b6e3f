//! A relay as its clients see it: through an independent websocket library, over real sockets.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test names what it wants and panics at the rest")]

#[cfg(test)]
mod client;
#[cfg(test)]
mod cursors;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod live;
#[cfg(test)]
mod tls;
