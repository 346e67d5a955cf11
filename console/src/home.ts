/** What waits for me and how the business stands; the bar shows the count, the home page all of it. */
import { useQuery } from "@tanstack/vue-query";
import { computed } from "vue";

import { get } from "./api";
import type { Filter } from "./filter";
import { i18n } from "./i18n";
import { useSession } from "./session";

export interface Home {
  todo: { code: string; label: string; count: number; filter?: Filter | string | null }[];
  numbers: { label: string; value: string; last?: string | null; unit?: string | null; code?: string | null; filter?: Filter | string | null }[];
  /** What a new enterprise does first, done or not; empty once it has begun. */
  checklist: { code: string; label: string; done: boolean }[];
  charts: { kind: "bar" | "line"; label: string; unit?: string | null; x: string[]; series: { label: string; y: string[] }[]; code?: string | null; filter?: Filter; filters?: Filter[] }[];
}

export function useHome() {
  const session = useSession();
  return useQuery({
    queryKey: computed(() => ["home", session.place, i18n.global.locale.value]),
    queryFn: () => get<Home>("home"),
    enabled: computed(() => Boolean(session.enterprise)),
    staleTime: 30_000,
    refetchInterval: 120_000,
  });
}
