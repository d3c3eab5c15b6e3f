//! The daemon's shell from outside.

#[cfg(test)]
mod documentation;
#[cfg(test)]
mod settings;
