//! A subscription against a scripted host: what it does for every thing that a host may do.

#[cfg(test)]
mod certificates;
#[cfg(test)]
mod host;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod sockets;
#[cfg(test)]
mod trust;
#[cfg(test)]
mod upgrade;
#[cfg(test)]
mod waiting;
