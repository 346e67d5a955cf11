/** ECharts, only the parts that are used, coloured by the tokens. */
import { BarChart, LineChart } from "echarts/charts";
import { GridComponent, TooltipComponent } from "echarts/components";
import { init, use, type EChartsType } from "echarts/core";
import { LabelLayout } from "echarts/features";
import { SVGRenderer } from "echarts/renderers";

import { group } from "./decimal";
import { shortMoney } from "./format";
import { currentLocale } from "./i18n";

use([BarChart, LineChart, GridComponent, TooltipComponent, LabelLayout, SVGRenderer]);

export interface ChartData { kind: "bar" | "line"; unit?: string | null; x: string[]; series: { label: string; y: string[] }[] }

function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

const PALETTE = ["--accent", "--partner", "--good", "--waiting", "--quiet"];

/** Bars from zero, direct labels at the line ends instead of a legend, money in 万 with the exact number on hover. */
export function optionOf(data: ChartData): Parameters<EChartsType["setOption"]>[0] {
  const ink = token("--ink-2");
  const line = token("--line");
  const isMoney = data.unit === "元" || data.unit === "¥" || data.unit === "CNY" || data.unit === "yuan";
  const short = (value: number): string => (isMoney ? shortMoney(value, currentLocale()) : group(String(value)));
  const long = data.x.some((label) => label.length > 6) && data.kind === "bar";
  const category = {
    type: "category" as const, data: data.x, axisTick: { show: false }, axisLine: { lineStyle: { color: token("--line-strong") } },
    axisLabel: { color: ink, fontSize: 12, hideOverlap: true, ...(long ? { width: 110, overflow: "truncate" as const } : { formatter: (label: string) => (/^\d{4}-\d\d-\d\d$/.test(label) ? label.slice(5) : label) }) },
    ...(long ? { inverse: true } : {}), boundaryGap: data.kind === "bar",
  };
  const value = { type: "value" as const, min: data.kind === "bar" ? 0 : undefined, scale: data.kind === "line", splitNumber: 3, splitLine: { lineStyle: { color: line } }, axisLabel: { color: ink, fontSize: 12, formatter: short } };
  return {
    animation: false,
    color: PALETTE.map(token),
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    grid: { left: 4, right: data.kind === "line" && data.series.length > 1 ? 72 : long ? 64 : 16, top: 16, bottom: 4, containLabel: true },
    tooltip: {
      trigger: "axis", axisPointer: { type: data.kind === "bar" ? "shadow" : "line", shadowStyle: { color: token("--hover"), opacity: 0.6 }, lineStyle: { color: token("--line-strong") } },
      backgroundColor: token("--raised"), borderColor: line, padding: [6, 10], textStyle: { color: token("--ink"), fontSize: 13 },
      valueFormatter: (given: unknown) => `${isMoney ? "¥" : ""}${group(String(given))}`,
    },
    xAxis: long ? value : category,
    yAxis: long ? category : value,
    series: data.series.map((one) => ({
      type: data.kind, name: one.label, data: one.y.map(Number),
      ...(data.kind === "bar"
        ? { barMaxWidth: long ? 14 : 22, itemStyle: { borderRadius: long ? [0, 3, 3, 0] : [3, 3, 0, 0] }, ...(long ? { label: { show: true, position: "right" as const, color: ink, fontSize: 12, formatter: (point: { value: unknown }) => short(Number(point.value)) } } : {}) }
        : { smooth: false, symbol: "circle", symbolSize: 5, showSymbol: one.y.length <= 31, lineStyle: { width: 2 }, ...(data.series.length > 1 ? { endLabel: { show: true, formatter: "{a}", color: ink, fontSize: 12 } } : {}) }),
    })),
  } as Parameters<EChartsType["setOption"]>[0];
}

export { init };
export type { EChartsType };
