/** What of the suite concerns a spread set: its limits are all `per` one dimension. */
import { THEME_NAMES } from "./suite.ts";

const THEMES = ["partitions", "other limits of partitions", "tiers of partitions"];

const reasons = (titles: readonly string[], reason: string): Record<string, string> =>
  Object.fromEntries(titles.map((title) => [title, reason]));

/** The other themes, with the reason. */
export const THEMES_OF_ALL: Readonly<Record<string, string>> = reasons(
  THEME_NAMES.filter((theme) => !THEMES.includes(theme)),
  "the sets of this theme have limits of all",
);

/** Cases of these themes that count on a limit of all, or on a second dimension. */
export const CASES_OF_ALL: Readonly<Record<string, string>> = reasons(
  [
    "each user has a state of the limit, and all have one of the other, all or nothing",
    "a resource is counted for each user, and a release is one of its user",
    "null leaves the limits of a dimension out, and metrics without limits take nothing",
    "a dimension that is not named is an error where something of it is taken",
    "for({}) is the set, and a view names more",
    "a view can be neither closed nor redefined",
    "several dimensions are taken from at once",
    "a waiter of one user delays no other user",
    "pause, charge, lower and reset of a view are about its partitions",
    "with fairBy partitions are served in turn at a limit of all",
    "limits of partitions come and go, in any order",
    "a limit of all and one of partitions are two limits, though they have one key",
    "waiters go on as the limits of their partitions come and go",
    "partitions go on being served in turn",
    "a request that takes nothing of a partition leaves it in its tier",
  ],
  "the set has a limit of all, or of another dimension",
);

/** Cases that count on one bound of all partitions. */
export const CASES_OF_ONE_BOUND: Readonly<Record<string, string>> = reasons(
  [
    "beyond its bound new names share one state",
    "beyond its bound new names are refused if the set says so",
    "waiters of a shared state are served as it recovers",
    "the state that names share goes on",
  ],
  "`max` is divided among the parts",
);
