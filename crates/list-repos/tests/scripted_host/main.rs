//! Walks through a scripted host: what they do for every thing that a host may do.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod ending;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod host;
#[cfg(test)]
mod listings;
#[cfg(test)]
mod notes;
#[cfg(test)]
mod pacing;
#[cfg(test)]
mod poison;
#[cfg(test)]
mod pumped;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod redirects;
#[cfg(test)]
mod revisit;
#[cfg(test)]
mod tls;
