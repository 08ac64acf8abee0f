/** A plot as SVG: lines over a logarithmic axis, each of one server. */
import { init } from 'echarts';

/** Points of one server, as `[x, y]`. */
export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly isDashed?: boolean;
}

export interface Plot {
  readonly title: string;
  readonly xName: string;
  readonly yName: string;
  readonly lines: readonly Line[];
}

const WIDTH = 640;
const HEIGHT = 360;
/** Colours that differ also for those who see red and green alike. */
const COLOURS = ['#0072b2', '#d55e00', '#999999'];

/** Returns the plot as the text of an SVG file. */
export function drawPlot({ title, xName, yName, lines }: Plot): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  chart.setOption({
    animation: false,
    color: COLOURS,
    backgroundColor: '#ffffff',
    title: { text: title, textStyle: { fontSize: 14 } },
    legend: { bottom: 0 },
    grid: { left: 70, right: 30, top: 50, bottom: 75 },
    xAxis: { type: 'log', name: xName, nameLocation: 'middle', nameGap: 28, ...ends(lines) },
    yAxis: { type: 'log', name: yName, nameLocation: 'end', axisLabel: { formatter: short } },
    series: lines.map(({ name, points, isDashed = false }) => ({
      name,
      type: 'line',
      lineStyle: { type: isDashed ? 'dashed' : 'solid' },
      data: points.map((point) => [...point]),
      symbolSize: 7,
    })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${svg}\n`;
}

/** Returns the axis from the first point to the last one. */
function ends(lines: readonly Line[]): { min: number; max: number; axisLabel: object } {
  const xs = lines.flatMap(({ points }) => points.map(([x]) => x));
  return { min: Math.min(...xs), max: Math.max(...xs), axisLabel: { formatter: short } };
}

/** Renders a number with k and M for thousands and millions. */
function short(value: number): string {
  if (value >= 1_000_000) return `${value / 1_000_000}M`;
  return value >= 1_000 ? `${value / 1_000}k` : String(value);
}
