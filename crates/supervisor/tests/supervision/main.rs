//! Supervision under paused time: endings, restarts, stopping, and what is told of them.

#[cfg(test)]
mod blocking;
#[cfg(test)]
mod comings;
#[cfg(test)]
mod day;
#[cfg(test)]
mod documented;
#[cfg(test)]
mod endings;
#[cfg(test)]
mod explained;
#[cfg(test)]
mod heartbeats;
#[cfg(test)]
mod intensity;
#[cfg(test)]
mod isolation;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod panics;
mod quiet;
#[cfg(test)]
mod restarts;
#[cfg(test)]
mod setup;
#[cfg(test)]
mod shutdown;
#[cfg(test)]
mod stages;
#[cfg(test)]
mod stalls;
#[cfg(test)]
mod status;
#[cfg(test)]
mod support;
#[cfg(test)]
mod threads;
