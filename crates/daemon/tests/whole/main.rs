//! The daemon's shell from outside.

#[cfg(test)]
mod documentation;
#[cfg(test)]
mod ingest;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod operated;
#[cfg(test)]
mod page;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod readiness;
#[cfg(test)]
mod scripted;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod status;
