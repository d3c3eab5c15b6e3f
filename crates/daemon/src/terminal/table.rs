use super::figures::{about_percent, grouped, per_second, time_left};
use super::line::{Align, GAP, Line, Paint, cut};
use super::progress::{HostProgress, Progress, Total};

/// How many hosts have a line of their own.
const HANDFUL: usize = 5;
/// A name may always have so much room, and a third of a wide line.
const NAME: usize = 16;
/// A bar that is shorter says less than its percentage.
const SHORTEST_BAR: usize = 12;
const LONGEST_BAR: usize = 32;

const ROUND: usize = 0;
const PERCENT: usize = 1;
const REPOS: usize = 2;
const PAGES: usize = 3;
const RATE: usize = 4;
const LEFT: usize = 5;
const COLUMNS: usize = 6;

/// Which columns have their place first, where there is not enough for all.
const BY_IMPORTANCE: [usize; COLUMNS] = [PERCENT, RATE, LEFT, REPOS, PAGES, ROUND];

/// Tells how far the lists are, in lines that are no longer than so many columns, of ASCII alone. No line: there is
/// nothing to tell.
pub(super) fn lines(progress: &Progress, width: usize, color: bool) -> Vec<String> {
    let mut under_way: Vec<_> = progress.begun.iter().filter(|host| !host.is_done).enumerate().collect();
    let count = under_way.len();
    // The fastest have a line, and stay in their order, so that lines do not jump about.
    under_way.sort_by(|(_, one), (_, other)| other.rate.total_cmp(&one.rate));
    under_way.truncate(HANDFUL);
    under_way.sort_by_key(|(place, _)| *place);
    let mut rows: Vec<_> = under_way.into_iter().map(|(_, host)| Row::of_host(host)).collect();
    let hosts = rows.len();
    match &progress.begun[..] {
        [] => return Vec::new(),
        [only] if progress.hosts == 1 => {
            if only.is_done {
                rows.push(Row::of_host(only));
            }
        }
        _ => rows.push(Row::of_total(progress)),
    }
    let layout = Layout::of(&rows, width);
    let mut lines: Vec<_> = rows.iter().map(|row| row.line(&layout, color)).collect();
    if count > hosts {
        let rest = cut(&format!("and {} more hosts", grouped((count - hosts) as u64)), width);
        lines.insert(hosts, rest);
    }
    lines
}

/// What one line says.
struct Row {
    name: String,
    percent: Option<f64>,
    cells: [String; COLUMNS],
    has_obstacle: bool,
}

impl Row {
    fn of_host(host: &HostProgress) -> Self {
        let obstacle = host.obstacle.filter(|_| !host.is_done);
        let left = || host.time_left().map(time_left).unwrap_or_default();
        let mut row = Self {
            name: host.host.chars().map(|char| if char.is_ascii_graphic() { char } else { '?' }).collect(),
            percent: host.percent(),
            cells: cells(host.listed.repos, host.listed.pages),
            has_obstacle: obstacle.is_some(),
        };
        if host.is_done {
            row.percent = None;
            row.cells[LEFT].push_str("done");
        } else {
            row.cells[ROUND].push_str(host.round);
            row.cells[RATE] = per_second(host.rate);
            row.cells[LEFT] = obstacle.map_or_else(left, str::to_owned);
        }
        row.with_percent()
    }

    fn of_total(progress: &Progress) -> Self {
        let total = Total::of(progress);
        let mut row = Self {
            name: format!("{} of {} done", total.done, progress.hosts),
            percent: total.percent.filter(|_| total.done < progress.hosts),
            cells: cells(total.listed.repos, total.listed.pages),
            has_obstacle: false,
        };
        if total.done < progress.hosts {
            row.cells[RATE] = per_second(total.rate);
            row.cells[LEFT] = total.time_left.map(time_left).unwrap_or_default();
        }
        row.with_percent()
    }

    fn with_percent(mut self) -> Self {
        self.cells[PERCENT] = self.percent.map(about_percent).unwrap_or_default();
        self
    }

    fn line(&self, layout: &Layout, color: bool) -> String {
        let mut line = Line::new(color);
        line.add(&cut(&self.name, layout.name), layout.name, Align::Left, Paint::None);
        for column in layout.columns() {
            let (text, width) = (&self.cells[column], layout.columns[column].unwrap_or_default());
            match column {
                LEFT if self.has_obstacle => line.add(text, width, Align::Left, Paint::Yellow),
                ROUND | LEFT => line.add(text, width, Align::Left, Paint::Dim),
                PERCENT => {
                    if layout.bar > 0 {
                        line.add(&self.bar(layout.bar), layout.bar, Align::Left, Paint::Green);
                    }
                    line.add(text, width, Align::Right, Paint::Bold);
                }
                _ => line.add(text, width, Align::Right, Paint::None),
            }
        }
        line.finish()
    }

    /// `[====>     ]`, in so many columns; nothing where nobody knows how much there is.
    fn bar(&self, width: usize) -> String {
        let Some(percent) = self.percent else { return String::new() };
        let inside = width - 2;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "a few columns, and it saturates"
        )]
        let full = ((percent / 100.0 * inside as f64) as usize).min(inside);
        let tip = if full < inside { ">" } else { "" };
        format!("[{}{tip}{}]", "=".repeat(full), " ".repeat(inside - full - tip.len()))
    }
}

fn cells(repos: u64, pages: u64) -> [String; COLUMNS] {
    let mut cells = [const { String::new() }; COLUMNS];
    cells[REPOS] = format!("{} repos", grouped(repos));
    cells[PAGES] = format!("{} pages", grouped(pages));
    cells
}

/// How wide everything is.
struct Layout {
    name: usize,
    bar: usize,
    /// `None`: there is no place for it, or nothing to say in it.
    columns: [Option<usize>; COLUMNS],
}

impl Layout {
    fn of(rows: &[Row], width: usize) -> Self {
        let longest = |length: fn(&Row, usize) -> usize, column| {
            rows.iter().map(|row| length(row, column)).max().unwrap_or_default()
        };
        let name = longest(|row, _| row.name.len(), 0).min(NAME.max(width / 3)).min(width);
        let (mut columns, mut used) = ([None; COLUMNS], name);
        for column in BY_IMPORTANCE {
            let wanted = longest(|row, column| row.cells[column].len(), column);
            if wanted > 0 && used + GAP + wanted <= width {
                columns[column] = Some(wanted);
                used += GAP + wanted;
            }
        }
        let rest = width.saturating_sub(used + GAP);
        let bar = if columns[PERCENT].is_some() && rest >= SHORTEST_BAR { rest.min(LONGEST_BAR) } else { 0 };
        Self { name, bar, columns }
    }

    fn columns(&self) -> impl Iterator<Item = usize> {
        (0..COLUMNS).filter(|column| self.columns[*column].is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enumeration::Listed;

    fn host(host: &str, repos: u64, rate: f64, estimate: Option<u64>) -> HostProgress {
        let listed = Listed { repos, pages: repos.div_ceil(1_000), ..Listed::default() };
        HostProgress {
            host: host.into(),
            round: "first",
            listed,
            rate,
            estimate,
            obstacle: None,
            is_done: false,
        }
    }

    fn one(of: HostProgress) -> Progress {
        Progress { hosts: 1, begun: vec![of] }
    }

    fn many(count: usize, done: usize, estimate: Option<u64>) -> Progress {
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let hosts = (0..count).map(|at| HostProgress {
            is_done: at < done,
            ..host(&format!("pds{at}.example"), 500_000, at as f64, estimate)
        });
        Progress { hosts: count, begun: hosts.collect() }
    }

    #[track_caller]
    fn check(progress: &Progress, width: usize, expected: &[&str]) {
        let lines = lines(progress, width, false);
        assert_eq!(lines, expected, "\n{}", lines.join("\n"));
        assert!(lines.iter().all(|line| line.len() <= width));
    }

    #[test]
    fn a_host_under_way_has_a_bar_a_rate_and_marked_estimates() {
        let relay = host("bsky.network", 17_640_000, 2_345.6, Some(43_000_000));
        check(
            &one(relay),
            120,
            &[
                "bsky.network  first  [============>                 ]  ~41 %  17,640,000 repos  17,640 pages  2,345/s  about 3 h left",
            ],
        );
    }

    #[test]
    fn without_an_estimate_nothing_is_made_up() {
        let relay = host("bsky.network", 17_640_000, 2_345.6, None);
        check(&one(relay.clone()), 120, &["bsky.network  first  17,640,000 repos  17,640 pages  2,345/s"]);
        // A host that stands still is done at no time that anybody knows, and neither is one beyond its estimate.
        for odd in [
            HostProgress { rate: 0.0, estimate: Some(43_000_000), ..relay.clone() },
            HostProgress { estimate: Some(17_000_000), ..relay },
        ] {
            let lines = lines(&one(odd), 120, false);
            assert!(!lines[0].contains("left") && lines[0].contains('~'), "{lines:?}");
        }
    }

    #[test]
    fn what_stands_in_the_way_takes_the_place_of_the_time_left() {
        let relay = host("bsky.network", 17_640_000, 2_345.6, Some(43_000_000));
        check(
            &one(HostProgress { obstacle: Some("stream full"), ..relay }),
            60,
            &["bsky.network  ~41 %  17,640,000 repos  2,345/s  stream full"],
        );
    }

    #[test]
    fn a_host_that_is_done_shows_what_it_had() {
        let relay = HostProgress { is_done: true, ..host("bsky.network", 43_000_123, 0.0, Some(43_000_000)) };
        check(&one(relay), 80, &["bsky.network  43,000,123 repos  43,001 pages  done"]);
    }

    #[test]
    fn of_many_hosts_the_fastest_have_a_line_and_all_together_one() {
        check(
            &many(12, 3, Some(1_000_000)),
            100,
            &[
                "pds7.example   first  [=======>       ]  ~50 %    500,000 repos    500 pages  7.0/s  about 20 h left",
                "pds8.example   first  [=======>       ]  ~50 %    500,000 repos    500 pages  8.0/s  about 17 h left",
                "pds9.example   first  [=======>       ]  ~50 %    500,000 repos    500 pages  9.0/s  about 15 h left",
                "pds10.example  first  [=======>       ]  ~50 %    500,000 repos    500 pages   10/s  about 14 h left",
                "pds11.example  first  [=======>       ]  ~50 %    500,000 repos    500 pages   11/s  about 13 h left",
                "and 4 more hosts",
                "3 of 12 done          [========>      ]  ~57 %  6,000,000 repos  6,000 pages   63/s  about 20 h left",
            ],
        );
    }

    #[test]
    fn a_total_is_estimated_only_where_every_host_is() {
        let mut progress = many(3, 1, Some(1_000_000));
        assert!(lines(&progress, 120, false).last().unwrap().contains("~60 %"));
        progress.begun[2].estimate = None;
        assert!(!lines(&progress, 120, false).last().unwrap().contains('~'));
        let not_begun = Progress { hosts: 4, ..many(3, 1, Some(1_000_000)) };
        assert!(!lines(&not_begun, 120, false).last().unwrap().contains('~'));
    }

    #[test]
    fn hosts_that_are_all_done_leave_the_total() {
        check(&many(3, 3, None), 80, &["3 of 3 done  1,500,000 repos  1,500 pages"]);
    }

    #[test]
    fn nothing_is_shown_before_there_is_something() {
        check(&Progress::default(), 80, &[]);
        check(&Progress { hosts: 300, begun: Vec::new() }, 80, &[]);
    }

    #[test]
    fn a_narrow_terminal_has_what_matters_most_on_one_line() {
        let long = host("morel.us-east.host.bsky.network", 17_640_000, 2_345.6, Some(43_000_000));
        check(&one(long), 40, &["morel.us-east...  first  ~41 %  2,345/s"]);
        check(
            &many(300, 120, Some(1_000_000)),
            40,
            &[
                "pds295.example   first  ~50 %     295/s",
                "pds296.example   first  ~50 %     296/s",
                "pds297.example   first  ~50 %     297/s",
                "pds298.example   first  ~50 %     298/s",
                "pds299.example   first  ~50 %     299/s",
                "and 175 more hosts",
                "120 of 300 done         ~62 %  37,710/s",
            ],
        );
    }

    #[test]
    fn no_width_is_too_small_and_no_name_too_odd() {
        let odd = host("a\u{1b}[2Jb\nü", u64::MAX, f64::INFINITY, Some(1));
        for progress in [one(odd), many(12, 3, Some(1))] {
            for width in 1..200 {
                for line in lines(&progress, width, false) {
                    assert!(
                        line.len() <= width
                            && line.chars().all(|char| char == ' ' || char.is_ascii_graphic())
                    );
                }
            }
        }
    }

    #[test]
    fn color_changes_no_column_and_is_left_out_where_it_is_not_wanted() {
        let progress = many(12, 3, Some(1_000_000));
        let (plain, colored) = (lines(&progress, 110, false), lines(&progress, 110, true));
        assert!(!plain.concat().contains('\x1b') && colored.concat().contains("\x1b[32m["));
        let stripped: Vec<_> = colored
            .iter()
            .map(|line| {
                ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[33m"]
                    .iter()
                    .fold(line.clone(), |line, code| line.replace(code, ""))
            })
            .map(|line| line.trim_end().to_owned())
            .collect();
        assert_eq!(stripped, plain);
    }
}
