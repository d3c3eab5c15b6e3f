//! What it costs to read a page.

fn main() {}
