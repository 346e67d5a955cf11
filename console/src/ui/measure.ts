/** How wide a text is in the type of tables, in pixels. */
const known = new Map<string, number>();
let canvas: CanvasRenderingContext2D | null | undefined;

function brush(): CanvasRenderingContext2D | null {
  if (canvas === undefined) {
    // A page without a screen (a test's) has no canvas.
    canvas = typeof CanvasRenderingContext2D === "undefined" ? null : document.createElement("canvas").getContext("2d");
    if (canvas) canvas.font = `13px ${getComputedStyle(document.body).fontFamily}`;
  }
  return canvas;
}

/** Without a canvas: Chinese characters are square, the rest is a good half. */
const guessed = (text: string): number => [...text].reduce((sum, char) => sum + (char > "⺀" ? 13 : 7), 0);

export function textWidth(text: string): number {
  let width = known.get(text);
  if (width === undefined) {
    width = Math.ceil(brush()?.measureText(text).width ?? guessed(text));
    known.set(text, width);
  }
  return width;
}
