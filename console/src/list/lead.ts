/** Where a row leads: the list or page that stands behind it. */
import type { RouteLocationRaw } from "vue-router";

import { queryFromView, type Clause } from "@/filter";
import { isRef } from "@/kinds/ref";
import { rememberName } from "@/server";
import type { Field, Lead } from "@/types";

/** The address for one row; null where the row lacks what it would be found by. */
export function addressOf(lead: Lead, row: Record<string, unknown>, fields: Record<string, Field>): RouteLocationRaw | null {
  const by: [string, string][] = [];
  for (const [theirs, ours] of Object.entries(lead.by)) {
    const value = row[ours];
    const ref = fields[ours]?.ref;
    if (isRef(value) && ref) rememberName(ref, value);
    const found = isRef(value) ? value.id : value;
    if (typeof found !== "string" || !found) return null;
    by.push([theirs, found]);
  }
  const query = lead.list
    ? queryFromView({ filter: by.map(([theirs, value]): Clause => [theirs, "=", value]), sort: "", search: "" })
    : { ...Object.fromEntries(by), ...lead.given };
  return { path: `/${lead.to}`, query };
}
