//! Identities and labels against a directory on loopback: what is asked for, what comes of it, and what is said of labels.

#[cfg(test)]
mod bounds;
#[cfg(test)]
mod following;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod issuer;
#[cfg(test)]
mod queueing;
#[cfg(test)]
mod recalling;
#[cfg(test)]
mod resolving;
#[cfg(test)]
mod signatures;
#[cfg(test)]
mod verdicts;
#[cfg(test)]
mod web_host;
