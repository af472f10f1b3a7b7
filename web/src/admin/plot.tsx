/** A line of the last points, the newest at the right; where nothing is known there is a gap. An ornament: its value stands beside it. */
export const Plot = ({ points, most }: { points: readonly (number | null)[]; most: number }) => {
  const top = Math.max(...points.map((point) => point ?? 0), 1e-9)
  const from = most - points.length
  let path = ''
  let isDown = false
  for (const [index, point] of points.entries()) {
    if (point === null) {
      isDown = false
      continue
    }
    const [x, y] = [((from + index) / (most - 1)) * 100, 27 - (point / top) * 24]
    path += `${isDown ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`
    isDown = true
  }
  return (
    <svg class="plot" viewBox="0 0 100 28" preserveAspectRatio="none" aria-hidden="true">
      <path d="M0 27.5H100" class="plot-ground" />
      <path d={path} />
    </svg>
  )
}
