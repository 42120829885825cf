export default function Traces() { return <p>Traces</p>; }
