"""The document engine: saves, moves, links and posts declared documents; knows no business."""
